"""The service inside another process, for evaluations in text: the real handlers and policy.

`holdfast eval` finds this module by its name, as `holdfast up` finds a service's process.
"""

from __future__ import annotations

from holdfast_common.call_log import CallLog
from holdfast_common.errors import SettingsError
from holdfast_common.profile import Profile
from holdfast_common.stream.api import Handler, Opener

from holdfast_dialogue.adapters.tools import StreamTools
from holdfast_dialogue.domain.decide import decide
from holdfast_dialogue.domain.wording import missing_wordings
from holdfast_dialogue.handlers import Dialogue, Limits


def serve(profile: Profile, opener: Opener, log: CallLog) -> Handler:
    """The rules policy over streams of `opener`. Raises SettingsError where the profile lacks a wording."""
    if problems := missing_wordings(profile.copy_):
        raise SettingsError([f"profile {profile.id}: copy: {problem}" for problem in problems])
    tools = StreamTools(opener, result_deadline_ms=1_500)
    return Dialogue(profile=profile, policy=decide, tools=tools, call_log=log, limits=Limits())
