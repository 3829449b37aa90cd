"""Posts of cameras that read plates or containers themselves, with their laws: bodies come whole.

How a body is cut on its way is the HTTP server's affair; what is in it is not. A damaged post
gives no reading, or one that keeps to its ranges: its sum would be the camera's own, and it has
none. The lane's vote stands against a wrong plate, not this parser.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from devices.camera.codecs import alarm_info_plate, isapi, parts
from devices.camera.codecs.parts import JPEG_END, JPEG_START
from devices.container_camera.codecs import http_json
from devices.readings import Recognition
from hil_tests.fuzz.damage import BATCH_INPUTS, FINDINGS_KEPT, POOL_PACKETS, Finding, Tally, hurt

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.camera.codecs.parts import PlatePost

PROVINCES = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
SIGNS = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
FOREIGN = "กขคАВЕ&<>\"'-"  # other scripts, and what XML and JSON must escape
KIND_HURT = 0.1  # of the posts come with a damaged content type


@dataclass(frozen=True, kw_only=True)
class PostUnderLaw:
    """One make's posts. `modules` are those whose laws these are."""

    name: str
    modules: tuple[str, ...]
    post: PlatePost

    def sample(self, chance: random.Random) -> Recognition:
        """One reading that a post can carry."""
        return sample(chance)

    def encode(self, reading: Recognition) -> tuple[str, bytes]:
        """Its post."""
        return self.post.encode(reading)

    def judged(self, kind: str, body: bytes) -> tuple[str, Recognition | None]:
        """Which promise broke, and what was read."""
        return judged(self.post.decode, kind, body)


@dataclass(frozen=True, kw_only=True)
class ContainerPostUnderLaw:
    """The post of a camera that reads container numbers."""

    name: str
    modules: tuple[str, ...]

    def sample(self, chance: random.Random) -> tuple[str, ...]:
        """Numbers that a post can carry."""
        return tuple(
            "".join(chance.choice(SIGNS + FOREIGN) for _ in range(chance.randrange(12)))
            for _ in range(chance.randrange(http_json.NUMBERS_MAX + 1))
        )

    def encode(self, numbers: tuple[str, ...]) -> tuple[str, bytes]:
        """Their post."""
        return http_json.encode(numbers)

    def judged(self, _kind: str, body: bytes) -> tuple[str, tuple[str, ...] | None]:
        """Which promise broke, and what was read."""
        try:
            numbers, again = http_json.decode(body), http_json.decode(body)
        except Exception as exc:  # noqa: BLE001 - whatever it is, it is what we are looking for
            return f"raised {exc!r}", None
        if numbers != again:
            return f"reads {again} the second time, not {numbers}", numbers
        if numbers is None:
            return "", None
        is_bounded = len(numbers) <= http_json.NUMBERS_MAX
        is_bounded &= all(len(each) <= http_json.NUMBER_MAX for each in numbers)
        return ("" if is_bounded else f"numbers {numbers}"), numbers


CONTAINER_POST = ContainerPostUnderLaw(name="container http-json", modules=(http_json.__name__,))
POSTS = (
    PostUnderLaw(name="isapi", modules=(isapi.__name__, parts.__name__), post=isapi.POST),
    PostUnderLaw(
        name="alarm-info-plate",
        modules=(alarm_info_plate.__name__, parts.__name__),
        post=alarm_info_plate.POST,
    ),
)


def sample(chance: random.Random) -> Recognition:
    """One reading that a post can carry."""
    return Recognition(
        text=_plate(chance),
        confidence_permille=10 * chance.randrange(101),
        picture=_jpeg(chance),
        plate_picture=_jpeg(chance),
    )


def _plate(chance: random.Random) -> str:
    match chance.randrange(8):
        case 0:
            return ""
        case 1:
            return "".join(chance.choice(SIGNS + FOREIGN) for _ in range(chance.randint(1, 9)))
        case _:
            size = chance.choice((6, 7))
            return chance.choice(PROVINCES) + "".join(chance.choice(SIGNS) for _ in range(size))


def _jpeg(chance: random.Random) -> bytes | None:
    if chance.random() < 0.3:
        return None
    return JPEG_START + chance.randbytes(chance.randrange(120)) + JPEG_END


def fuzz_posts(
    law: PostUnderLaw | ContainerPostUnderLaw,
    *,
    seed: int,
    batch: int,
    inputs: int = BATCH_INPUTS,
) -> Tally:
    """Hand the first `inputs` damaged posts of a batch to the parser."""
    chance = random.Random(f"{seed}:{law.name}:{batch}")
    pool: list[Any] = [law.sample(chance) for _ in range(POOL_PACKETS)]
    posts = [law.encode(reading) for reading in pool]
    bodies = [body for _, body in posts]
    tally = Tally()
    for number in range(inputs):
        index = int(chance.random() * POOL_PACKETS)
        kind, body = posts[index]
        if chance.random() < KIND_HURT:
            kind = bytes(hurt(kind.encode(), [b"boundary="], chance)).decode("latin-1")
        damaged = bytes(hurt(body, bodies, chance))
        what, reading = law.judged(kind, damaged)
        tally.inputs += 1
        tally.sent_frames += 1
        tally.read_frames += reading is not None
        tally.unsent_frames += reading is not None and reading != pool[index]
        if what and len(tally.findings) < FINDINGS_KEPT:
            told = Finding(
                codec=law.name, what=what, seed=seed, batch=batch, number=number,
                stream=f"{kind!r}: {damaged.hex(' ')}",
            )  # fmt: skip
            tally.findings.append(told)
    return tally


def judged(
    decode: Callable[[str, bytes], Recognition | None], kind: str, body: bytes
) -> tuple[str, Recognition | None]:
    """Which promise broke ("" when none), and what was read."""
    try:
        reading, again = decode(kind, body), decode(kind, body)
    except Exception as exc:  # noqa: BLE001 - whatever it is, it is what we are looking for
        return f"raised {exc!r}", None
    if reading != again:
        return f"reads {again} the second time, not {reading}", reading
    return "" if reading is None else _out_of_range(reading, body), reading


def _out_of_range(reading: Recognition, body: bytes) -> str:
    """What of a reading its post cannot have said; "" where nothing is."""
    if reading.confidence_permille not in range(0, 1001, 10):
        return f"confidence {reading.confidence_permille}"
    if reading.text != reading.text.strip() or len(reading.text) > len(body):
        return f"text {reading.text!r}"
    for jpeg in (reading.picture, reading.plate_picture):
        if jpeg is None:
            continue
        if not jpeg.startswith(JPEG_START) or JPEG_END not in jpeg or len(jpeg) > len(body):
            return f"a picture that is none: {jpeg.hex(' ')}"
    return ""
