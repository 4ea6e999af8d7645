"""What people say on the phone, understood and said back: numbers, yes and no, times, e-mail addresses, names.

Pure: no clock (`now` is a parameter), no bus, no engine. Input is what a recogniser gives (lower case, no
punctuation, fillers, numbers in words) or what somebody typed. English.
"""

from holdfast_dialogue.domain.spoken import emails, names, numbers, say, times, yes_no

__all__ = ["emails", "names", "numbers", "say", "times", "yes_no"]
