"""Every subject on the bus, and nothing else that names one.

    hf.beat.<service>.<replica>                 presence, every 250 ms                    control
    hf.beat.<service>.<replica>.gone            leaving on purpose                        control
    hf.<service>.<replica>.open                 open a stream                             media
    hf.<service>.<replica>.in.<stream>.<epoch>  audio and signals of a stream             media
    hf.<service>.<replica>.in.bundle.0          several of those, of several streams      media
    hf.<service>.<replica>.cancel               the opener has no more use for a stream   control
    hf.out.<opener>.<stream>.<epoch>            everything a stream answers               media
    hf.out.<opener>.bundle.0                    several of those, of several streams      media
    hf.log.<p>.<call>.turns | .media            the call log (JetStream), p = hash mod P  control
    hf.watch.<call>                             what a console may see, as it happens     control
    hf.cfg.>                                    operator's settings (key-value)           control

docs/protocol.md says who speaks and who hears; a test holds the two together.
"""

from __future__ import annotations

from holdfast_common.hashing import stable_hash

BEATS = "hf.beat.>"
LOG_STREAM = "HF_LOG"


def beat(service: str, replica: str) -> str:
    return f"hf.beat.{service}.{replica}"


def beats_of(service: str) -> str:
    """All of one service's beats, and its goodbyes."""
    return f"hf.beat.{service}.>"


def gone(service: str, replica: str) -> str:
    return f"hf.beat.{service}.{replica}.gone"


def open_(service: str, replica: str) -> str:
    return f"hf.{service}.{replica}.open"


def cancel(service: str, replica: str) -> str:
    return f"hf.{service}.{replica}.cancel"


def input_(service: str, replica: str, stream: str, epoch: int) -> str:
    return f"hf.{service}.{replica}.in.{stream}.{epoch}"


def inputs(service: str, replica: str) -> str:
    """One subscription for all streams of a replica, made once at start: no subscription race per stream."""
    return f"hf.{service}.{replica}.in.*.*"


def output(opener: str, stream: str, epoch: int) -> str:
    return f"hf.out.{opener}.{stream}.{epoch}"


def outputs(opener: str) -> str:
    return f"hf.out.{opener}.*.*"


BUNDLE = "bundle.0"
"""Stands where a stream and its epoch do (streams are hexadecimal), so that one subscription hears both."""


def input_bundle(service: str, replica: str) -> str:
    """Where inputs may travel together with those of other streams."""
    return f"hf.{service}.{replica}.in.{BUNDLE}"


def output_bundle(opener: str) -> str:
    """Where outputs may."""
    return f"hf.out.{opener}.{BUNDLE}"


def is_bundle(subject: str) -> bool:
    return subject.endswith(BUNDLE)


def tail(subject: str) -> str:
    """The last two tokens: stream and epoch."""
    _, stream, epoch = subject.rsplit(".", 2)
    return f"{stream}.{epoch}"


def of_part(bundle: str, tail: str) -> str:
    """The subject of one message of a bundle."""
    return bundle.removesuffix(BUNDLE) + tail


def stream_and_epoch(subject: str) -> tuple[str, int]:
    """The last two tokens of an input or output subject. Raises ValueError when they are not those."""
    _, stream, epoch = subject.rsplit(".", 2)
    return stream, int(epoch)


def partition(call: str, partitions: int) -> int:
    return stable_hash(call) % partitions


def log_turns(call: str, partitions: int = 1) -> str:
    return f"hf.log.{partition(call, partitions)}.{call}.turns"


def log_media(call: str, partitions: int = 1) -> str:
    return f"hf.log.{partition(call, partitions)}.{call}.media"


def watch(call: str) -> str:
    return f"hf.watch.{call}"


WATCH_ALL = "hf.watch.*"


def log_partition(p: int) -> str:
    return f"hf.log.{p}.>"


def log_stream(p: int) -> str:
    """Name of the JetStream stream that stores partition p."""
    return f"{LOG_STREAM}_{p}"
