"""The only decoder and encoder: files and bytes to uint8 RGB arrays and back, without surprises.

Every conversion of a picture's representation lives here: bytes, uint8, float, luma, size.
"""

import functools
import hashlib
import io
import re
import struct
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image as PillowImage
from PIL import ImageCms, TiffImagePlugin, UnidentifiedImageError

from ggt.errors import ImageReadError, ImageTooLargeError
from ggt.types import FloatImage, Image, Plane

MAX_PIXELS = 178_000_000
"""More than any camera's ordinary picture, and just below the bound at which Pillow itself refuses."""

# fmt: off
RAW_SUFFIXES = frozenset({
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".mos",
    ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".sr2", ".srf", ".srw", ".x3f",
})
# fmt: on
READABLE = "JPEG, PNG, WebP, TIFF, BMP, GIF, HEIC, AVIF"

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "HEIF", "AVIF")
# What Pillow's decoders raise on damaged files, found by flipping bytes of real ones.
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    EOFError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)
_ORIENTATION, _MAKE, _MODEL, _CHANGED, _EXIF_FOLDER, _TAKEN = 274, 271, 272, 306, 0x8769, 36867
_DNG_VERSION = 50706
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture as read, upright, and everything that was done to make it sRGB uint8.

    `source_width` and `source_height` are those of the file before any rotation; `taken_at` is ISO 8601 without a
    time zone, as cameras write it.
    """

    image: Image
    source_width: int
    source_height: int
    format: str
    notes: tuple[str, ...] = ()
    camera: str | None = None
    taken_at: str | None = None


def read_image(path: Path, *, max_pixels: int = MAX_PIXELS) -> Decoded:
    """Read a picture; its size is checked from the header, before anything is decoded.

    Raises:
        ImageReadError: not a readable picture, truncated, a camera's raw file; the message names the file.
        ImageTooLargeError: more than `max_pixels`.
    """
    name = str(path)
    if path.suffix.lower() in RAW_SUFFIXES:
        raise ImageReadError(_raw(name))
    try:
        with path.open("rb") as file:
            return _decode(file, name=name, max_pixels=max_pixels)
    except OSError as error:  # no such file, no permission, a folder, a link to itself
        raise ImageReadError(f"cannot read {name!r}: {error.strerror}") from error


def decode_image(data: bytes, *, name: str = "data", max_pixels: int = MAX_PIXELS) -> Decoded:
    """Decode bytes as `read_image` does a file; `name` is what error messages call them."""
    return _decode(io.BytesIO(data), name=name, max_pixels=max_pixels)


def encode_png(image: Image, *, text: Mapping[str, str] | None = None) -> bytes:
    """Encode losslessly at zlib level 1: a fifth larger than the default level, a quarter of its time.

    `text` becomes iTXt chunks, sorted by key. The same input gives the same bytes under one version of OpenCV.
    """
    # Measured on photos: half the time of OpenCV's default choice at level 1, and smaller files.
    options = [
        *(cv2.IMWRITE_PNG_COMPRESSION, 1),
        *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY),
        *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_AVG),
    ]
    _, encoded = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    data = encoded.tobytes()
    chunks = b"".join(_text_chunk(key, value) for key, value in sorted((text or {}).items()))
    header = 8 + 25  # signature and IHDR, which must stay first
    return data[:header] + chunks + data[header:]


def encode_jpeg(image: Image, *, quality: int, full_colour: bool = False) -> bytes:
    """Encode as JPEG, 1 (worst) to 100; `full_colour` keeps chroma at full resolution (4:4:4 instead of 4:2:0)."""
    file = io.BytesIO()
    PillowImage.fromarray(image).save(
        file, "JPEG", quality=quality, subsampling=0 if full_colour else 2
    )
    return file.getvalue()


def png_texts(data: bytes) -> dict[str, str]:
    """Read the uncompressed texts of a PNG file (tEXt and iTXt); empty for every other file, also a damaged one."""
    texts: dict[str, str] = {}
    start = len(_PNG_SIGNATURE)
    if not data.startswith(_PNG_SIGNATURE):
        return texts
    while start + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, start)
        kind, body = data[start + 4 : start + 8], data[start + 8 : start + 8 + length]
        key, _, rest = body.partition(b"\0")
        if kind == b"tEXt":
            texts[key.decode("latin-1")] = rest.decode("latin-1")
        elif kind == b"iTXt" and rest[:2] == b"\0\0":
            # flag and method, then language and translated keyword, each ended by a zero
            value = rest[2:].split(b"\0", 2)[-1]
            texts[key.decode("latin-1")] = value.decode("utf-8", "replace")
        start += 12 + length
    return texts


def pixel_hash(image: Image) -> str:
    """Return the sha256 of shape and pixels, in hex: the identity of a picture, whatever file holds it."""
    digest = hashlib.sha256(f"uint8 {image.shape}".encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def to_float(image: Image) -> FloatImage:
    """Turn 0..255 into 0..1."""
    return np.multiply(image, np.float32(1 / 255), dtype=np.float32)


def to_uint8(values: FloatImage | Plane) -> np.ndarray:
    """Turn 0..1 into 0..255, clipped, to the nearest level; an image or one plane."""
    return np.rint(np.clip(values, 0.0, 1.0) * 255.0).astype(np.uint8)


def luma(image: Image | FloatImage) -> Plane:
    """Return the luma of ITU-R BT.601 (as in JPEG), full range, 0 to 1, from either kind of image."""
    values = to_float(image) if image.dtype == np.uint8 else image
    return cv2.cvtColor(values, cv2.COLOR_RGB2GRAY).astype(np.float32, copy=False)


def grey_image(plane: Plane) -> Image:
    """Turn a plane of 0..1 into a grey uint8 RGB image."""
    return np.repeat(to_uint8(plane)[:, :, np.newaxis], 3, axis=2)


def resize(image: Image, width: int, height: int) -> Image:
    """Resample by Pillow's Lanczos, with antialiasing: the only kernel that a dataset is made with."""
    if (image.shape[1], image.shape[0]) == (width, height):
        return image
    resized = PillowImage.fromarray(np.ascontiguousarray(image)).resize(
        (width, height), PillowImage.Resampling.LANCZOS
    )
    return np.asarray(resized)


def resize_plane(plane: Plane, width: int, height: int) -> Plane:
    """Resample one float plane by Pillow's Lanczos; values may leave their range by ringing."""
    resized = PillowImage.fromarray(np.ascontiguousarray(plane)).resize(
        (width, height), PillowImage.Resampling.LANCZOS
    )
    return np.asarray(resized)


def thumbnail(image: Image, short_side: int) -> Image:
    """Shrink by averaging areas, fast: to measure, hash or show, never to make an lq; small images stay as they are."""
    while (
        min(image.shape[:2]) >= 2 * short_side
    ):  # halving is OpenCV's fast path; an odd border pixel is lost
        height, width = image.shape[0] // 2, image.shape[1] // 2
        image = _shrink(image[: 2 * height, : 2 * width], width, height)
    factor = short_side / min(image.shape[:2])
    if factor >= 1:
        return image
    height, width = image.shape[:2]
    return _shrink(image, max(1, round(width * factor)), max(1, round(height * factor)))


def _shrink(image: Image, width: int, height: int) -> Image:
    shrunk = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return shrunk.astype(np.uint8, copy=False)


def _decode(file: BinaryIO, *, name: str, max_pixels: int) -> Decoded:
    _register_heif()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            _check_png(file)
            with PillowImage.open(file, formats=_FORMATS) as opened:
                _check_header(opened, name, max_pixels)
                decoded = _to_srgb(opened)
        except ImageReadError:
            raise
        except PillowImage.DecompressionBombError as error:
            found = f"{int(re.findall(r'[0-9]+', str(error))[0]):,} pixels"
            raise ImageTooLargeError(_too_large(name, found, max_pixels)) from error
        except UnidentifiedImageError as error:
            raise ImageReadError(_unknown(name, file)) from error
        except _DAMAGED as error:
            raise ImageReadError(
                f"{name!r} is damaged or cut off ({_one_line(error)}): fetch it again, or remove it"
            ) from error
    warned = {
        f"Pillow warned: {_one_line(warning.message)}"
        for warning in caught
        if not issubclass(warning.category, PillowImage.DecompressionBombWarning)
    }
    return replace(decoded, notes=(*decoded.notes, *sorted(warned)))


def _check_png(file: BinaryIO) -> None:
    """Compare the checksums of a PNG, which Pillow does not when it decodes: damaged pixels would come out as good."""
    if file.read(8) == _PNG_SIGNATURE:
        file.seek(0)
        with PillowImage.open(file, formats=("PNG",)) as png:
            png.verify()
    file.seek(0)


def _check_header(opened: PillowImage.Image, name: str, max_pixels: int) -> None:
    width, height = opened.size
    if width * height > max_pixels:
        raise ImageTooLargeError(_too_large(name, f"{width}x{height} pixels", max_pixels))
    if isinstance(opened, TiffImagePlugin.TiffImageFile) and _DNG_VERSION in opened.tag_v2:
        raise ImageReadError(_raw(name))
    if opened.mode in ("I", "F"):
        raise ImageReadError(
            f"{name!r} has 32 bits a channel ({opened.mode!r}): convert it to 8 or 16 bits"
        )


def _one_line(message: Exception | str) -> str:
    return " ".join(str(message).split())


def _raw(name: str) -> str:
    return (
        f"{name!r} is a camera's raw file, which has no colours yet: develop it to TIFF, PNG or JPEG first "
        "(darktable, RawTherapee or the camera's own program)"
    )


def _too_large(name: str, found: str, max_pixels: int) -> str:
    return (
        f"{name!r} was not decoded: it has {found}, and {max_pixels:,} are allowed. "
        "Make it smaller, or cut it into parts"
    )


def _unknown(name: str, file: BinaryIO) -> str:
    file.seek(0)
    if not file.read(1):
        return f"{name!r} is empty (0 bytes): fetch it again, or remove it"
    return f"{name!r} is not a picture that ggt reads ({READABLE}): convert it, or remove it"


def _to_srgb(opened: PillowImage.Image) -> Decoded:
    notes = [*_frame_notes(opened), *_depth_notes(opened)]
    width, height = opened.size
    format_name = str(opened.format)
    orientation, camera, taken_at = _exif(opened, notes)
    opened.load()
    flat = _flatten(_eight_bit(opened), notes)
    rgb = _apply_profile(flat, opened.info.get("icc_profile"), notes)
    pixels = _upright(np.asarray(rgb), orientation)
    if pixels.shape[:2] != (height, width) or orientation != 1:
        notes.append("rotated by EXIF")
    image = np.ascontiguousarray(pixels)
    return Decoded(image, width, height, format_name, tuple(notes), camera, taken_at)


def _frame_notes(opened: PillowImage.Image) -> list[str]:
    frames = int(getattr(opened, "n_frames", 1))
    opened.seek(0)
    return [f"first frame of {frames}"] if frames > 1 else []


def _depth_notes(opened: PillowImage.Image) -> list[str]:
    depth = int(opened.info.get("bit_depth", 8)) if opened.format in ("HEIF", "AVIF") else 8
    raw_modes = [str(tile[3]) for tile in getattr(opened, "tile", [])]
    if opened.mode.startswith("I;16") or any("16" in mode for mode in raw_modes):
        depth = 16
    return [f"{depth}-bit reduced to 8"] if depth > 8 else []


def _eight_bit(opened: PillowImage.Image) -> PillowImage.Image:
    if not opened.mode.startswith("I;16"):
        return opened
    values = np.asarray(opened)
    return PillowImage.fromarray((values.astype(np.uint16) >> 8).astype(np.uint8))


def _flatten(opened: PillowImage.Image, notes: list[str]) -> PillowImage.Image:
    """Put transparent pixels on white; the result is L, RGB or CMYK, still in its own colour space."""
    if opened.mode == "CMYK":
        return opened
    if opened.mode in ("1", "L") and "transparency" not in opened.info:
        return opened.convert("L")
    if not opened.has_transparency_data:
        return _as_rgb(opened)
    with_alpha = opened.convert("LA" if opened.mode == "La" else "RGBA").convert("RGBA")
    if with_alpha.getchannel("A").getextrema() == (255, 255):
        return with_alpha.convert("RGB")
    notes.append("alpha flattened on white")
    white = PillowImage.new("RGBA", with_alpha.size, (255, 255, 255, 255))
    return PillowImage.alpha_composite(white, with_alpha).convert("RGB")


def _apply_profile(flat: PillowImage.Image, profile: object, notes: list[str]) -> PillowImage.Image:
    """Convert to sRGB: relative colorimetric with black point compensation, as browsers and photo editors do."""
    if flat.mode == "CMYK":
        notes.append("CMYK converted")
    if not isinstance(profile, bytes) or not profile:
        return _as_rgb(flat)
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        description = ImageCms.getProfileDescription(source).strip()
        if description.startswith("sRGB") and flat.mode == "RGB":
            return flat
        converted = ImageCms.profileToProfile(
            flat,
            source,
            _srgb_profile(),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        notes.append(f"unusable colour profile ignored ({_one_line(error)})")
        return _as_rgb(flat)
    notes.append(f"converted from {description or 'an unnamed profile'}")
    return converted if converted is not None else _as_rgb(flat)


def _as_rgb(picture: PillowImage.Image) -> PillowImage.Image:
    return picture if picture.mode == "RGB" else picture.convert("RGB")  # convert() always copies


@functools.cache
def _srgb_profile() -> ImageCms.ImageCmsProfile:
    # Pillow's hint for the profile that it makes is unknown to the type checker.
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]


@functools.cache
def _register_heif() -> None:
    """Teach Pillow to open HEIC, once a process."""
    import pillow_heif

    pillow_heif.register_heif_opener()  # pyright: ignore[reportUnknownMemberType] - has no annotations


def _exif(opened: PillowImage.Image, notes: list[str]) -> tuple[int, str | None, str | None]:
    """Return orientation (1 = upright), camera and time; damaged EXIF is a note, never a reason to lose a photo."""
    try:
        exif = opened.getexif()
        orientation = exif.get(_ORIENTATION, 1)
        camera = " ".join(_text(exif.get(tag)) for tag in (_MAKE, _MODEL)).strip()
        taken = _text(exif.get_ifd(_EXIF_FOLDER).get(_TAKEN)) or _text(exif.get(_CHANGED))
    except _DAMAGED as error:
        notes.append(f"unreadable EXIF ignored ({_one_line(error)})")
        return 1, None, None
    upright = orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1
    return upright, camera or None, _iso_time(taken)


def _text(value: object) -> str:
    return value.replace("\0", " ").strip() if isinstance(value, str) else ""


def _iso_time(text: str) -> str | None:
    try:  # cameras state no time zone
        return datetime.strptime(text, "%Y:%m:%d %H:%M:%S").isoformat()
    except ValueError:
        return None


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undo EXIF orientation 1..8 (Exif 2.3, tag 274)."""
    mirrored = pixels[:, ::-1] if orientation in (2, 4, 5, 7) else pixels
    turns: dict[int, int] = {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}
    return np.rot90(mirrored, turns.get(orientation, 0))


def _text_chunk(key: str, value: str) -> bytes:
    """Build one uncompressed iTXt chunk (PNG specification 11.3.3.4)."""
    body = b"iTXt" + key.encode("latin-1") + b"\0\0\0\0\0" + value.encode()
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
