import hashlib
import io
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from ggt import images
from ggt.errors import ImageReadError, ImageTooLargeError

pillow_heif.register_heif_opener()
ODD_NAMES = ["two\nlines.png", 'it\'s "quoted".png', "🦊.png", "<script>alert(1)<:script>.png"]


def scene(width: int = 128, height: int = 96) -> np.ndarray:
    rng = np.random.default_rng(1)
    rows, columns = np.mgrid[:height, :width]
    ramps = np.stack([columns * 1.5, rows * 2.0, (rows + columns) * 1.0], axis=2)
    return np.clip(ramps + rng.normal(0, 8, ramps.shape), 0, 255).astype(np.uint8)


def encoded(picture: Image.Image, file_format: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()


def picture_or_message(data: bytes) -> np.ndarray | str:
    try:
        return images.decode_image(data, name="cut.jpg").image
    except ImageReadError as error:
        return str(error)


def png_with_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("file_format", "options"),
    [
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("BMP", {}),
        ("JPEG", {"quality": 95, "subsampling": 0}),
        ("HEIF", {"quality": 100, "chroma": 444}),
        ("AVIF", {"quality": 100, "subsampling": "4:4:4"}),
    ],
)
def test_every_format_gives_the_picture_that_was_saved(file_format, options):
    decoded = images.decode_image(encoded(Image.fromarray(scene()), file_format, **options))
    assert decoded.image.dtype == np.uint8
    assert decoded.image.shape == (96, 128, 3)
    assert decoded.format == file_format
    lossless = file_format in ("PNG", "WEBP", "TIFF", "BMP")
    assert np.abs(decoded.image.astype(int) - scene()).mean() <= (0 if lossless else 4)
    assert decoded.notes == ()


def test_grey_becomes_three_equal_channels():
    grey = scene()[:, :, 0]
    decoded = images.decode_image(encoded(Image.fromarray(grey), "PNG"))
    assert np.array_equal(decoded.image, np.repeat(grey[:, :, None], 3, axis=2))


def test_sixteen_bits_keep_their_upper_eight_and_say_so():
    grey = scene()[:, :, 0]
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    for file_format in ("PNG", "TIFF"):
        decoded = images.decode_image(encoded(deep, file_format))
        assert np.array_equal(decoded.image[:, :, 1], grey)
        assert decoded.notes == ("16-bit reduced to 8",)


def test_sixteen_bit_colour_is_reduced_and_says_so():
    import cv2

    _, data = cv2.imencode(".png", scene()[:, :, ::-1].astype(np.uint16) * 257)
    decoded = images.decode_image(data.tobytes())
    assert np.array_equal(decoded.image, scene())
    assert decoded.notes == ("16-bit reduced to 8",)


def test_floating_point_pictures_are_refused_with_a_remedy():
    data = encoded(Image.fromarray(scene()[:, :, 0].astype(np.float32)), "TIFF")
    with pytest.raises(ImageReadError, match=r"'deep.tif' has 32 bits a channel .* convert it"):
        images.decode_image(data, name="deep.tif")


def test_cmyk_is_converted_and_says_so():
    decoded = images.decode_image(encoded(Image.fromarray(scene()).convert("CMYK"), "TIFF"))
    assert np.abs(decoded.image.astype(int) - scene()).max() <= 1
    assert decoded.notes == ("CMYK converted",)


def test_transparent_pixels_lie_on_white():
    alpha = np.zeros((96, 128, 1), np.uint8)
    alpha[:48] = 255
    data = encoded(Image.fromarray(np.concatenate([scene(), alpha], axis=2)), "PNG")
    decoded = images.decode_image(data)
    assert np.array_equal(decoded.image[:48], scene()[:48])
    assert (decoded.image[48:] == 255).all()
    assert decoded.notes == ("alpha flattened on white",)


def test_an_opaque_alpha_channel_changes_nothing():
    decoded = images.decode_image(encoded(Image.fromarray(scene()).convert("RGBA"), "PNG"))
    assert np.array_equal(decoded.image, scene())
    assert decoded.notes == ()


@pytest.mark.parametrize("mode", ["LA", "P"])
def test_transparency_of_grey_and_palette_pictures_lies_on_white(mode):
    picture = (
        Image.new("LA", (8, 8), (40, 0)) if mode == "LA" else Image.new("L", (8, 8), 9).convert("P")
    )
    options = {"transparency": picture.getpixel((0, 0))} if mode == "P" else {}
    decoded = images.decode_image(encoded(picture, "PNG", **options))
    assert (decoded.image == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone_as_pillow_would(orientation):
    from PIL import ImageOps

    exif = Image.Exif()
    exif[274] = orientation
    data = encoded(Image.fromarray(scene()), "PNG", exif=exif.tobytes())
    decoded = images.decode_image(data)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert np.array_equal(decoded.image, np.asarray(upright))
    assert decoded.notes == (() if orientation == 1 else ("rotated by EXIF",))
    assert (decoded.source_width, decoded.source_height) == (128, 96)


def test_camera_and_time_come_from_exif():
    exif = Image.Exif()
    exif[271], exif[272] = "Maker\0", "Model 7"
    exif.get_ifd(0x8769)[36867] = "2024:05:06 07:08:09"
    decoded = images.decode_image(encoded(Image.fromarray(scene()), "JPEG", exif=exif.tobytes()))
    assert decoded.camera == "Maker Model 7"
    assert decoded.taken_at == "2024-05-06T07:08:09"


@pytest.mark.parametrize("time", ["0000:00:00 00:00:00", "yesterday", ""])
def test_a_time_that_is_none_is_none(time):
    exif = Image.Exif()
    exif[306] = time
    decoded = images.decode_image(encoded(Image.fromarray(scene()), "JPEG", exif=exif.tobytes()))
    assert decoded.taken_at is None


def test_an_embedded_profile_is_converted_to_srgb():
    lab_like = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ"))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    plain = images.decode_image(
        encoded(Image.fromarray(scene()), "PNG", icc_profile=srgb.tobytes())
    )
    assert np.array_equal(plain.image, scene())
    assert plain.notes == ()
    other = images.decode_image(
        encoded(Image.fromarray(scene()), "PNG", icc_profile=lab_like.tobytes())
    )
    assert other.notes[0].startswith(("converted from", "unusable colour profile"))


def test_a_wide_gamut_photo_gets_more_saturated_in_srgb(photos):
    path = photos / "lq/haze/haze_05.jpg"
    decoded = images.read_image(path)
    assert decoded.notes == ("converted from Adobe RGB (1998)",)
    raw = np.asarray(Image.open(path).convert("RGB")).astype(int)
    spread = decoded.image.max(axis=2).astype(int) - decoded.image.min(axis=2)
    assert spread.mean() > (raw.max(axis=2) - raw.min(axis=2)).mean()


def test_a_broken_profile_is_ignored_and_says_so():
    data = encoded(Image.fromarray(scene()), "PNG", icc_profile=b"no profile at all")
    decoded = images.decode_image(data)
    assert np.array_equal(decoded.image, scene())
    assert decoded.notes[0].startswith("unusable colour profile ignored")


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_of_an_animation_is_taken_and_it_says_so(file_format):
    frames = [Image.new("RGB", (16, 16), (value, 0, 0)) for value in (0, 120, 250)]
    options = {"lossless": True} if file_format == "WEBP" else {}
    data = encoded(frames[0], file_format, save_all=True, append_images=frames[1:], **options)
    decoded = images.decode_image(data)
    assert (decoded.image == 0).all()
    assert decoded.notes == ("first frame of 3",)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "HEIF"])
def test_a_truncated_file_is_refused_and_never_half_decoded(file_format):
    whole = encoded(Image.fromarray(scene()), file_format)
    expected = images.decode_image(whole).image
    rng = np.random.default_rng(2)
    for cut in rng.integers(1, len(whole), 25).tolist():
        found = picture_or_message(whole[:cut])
        assert "'cut.jpg'" in found if isinstance(found, str) else np.array_equal(found, expected)
    with pytest.raises(ImageReadError, match=r"'cut.jpg' is damaged or cut off .*fetch it again"):
        images.decode_image(whole[: len(whole) // 2], name="cut.jpg")


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "HEIF"])
def test_damaged_bytes_end_in_a_picture_or_in_a_refusal(file_format):
    whole = encoded(Image.fromarray(scene(48, 32)), file_format)
    rng = np.random.default_rng(3)
    for _ in range(60):
        data = bytearray(whole)
        for position in rng.integers(0, min(600, len(data)), 4).tolist():
            data[position] = int(rng.integers(0, 256))
        found = picture_or_message(bytes(data))
        assert "'cut.jpg'" in found if isinstance(found, str) else found.dtype == np.uint8


def test_a_png_with_one_flipped_bit_is_refused():
    data = bytearray(images.encode_png(scene()))
    data[len(data) // 2] ^= 1
    with pytest.raises(ImageReadError, match="checksum"):
        images.decode_image(bytes(data))


def test_an_empty_file_says_that_it_is_empty(tmp_path):
    (tmp_path / "empty.jpg").write_bytes(b"")
    with pytest.raises(ImageReadError, match=r"empty.jpg' is empty \(0 bytes\): fetch it again"):
        images.read_image(tmp_path / "empty.jpg")


def test_text_named_jpg_says_that_it_is_no_picture(tmp_path):
    (tmp_path / "text.jpg").write_text("hello")
    with pytest.raises(ImageReadError, match=r"text.jpg' is not a picture that ggt reads \(JPEG"):
        images.read_image(tmp_path / "text.jpg")


def test_postscript_is_never_handed_to_an_interpreter():
    with pytest.raises(ImageReadError, match="not a picture that ggt reads"):
        images.decode_image(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")


@pytest.mark.parametrize("suffix", [".CR2", ".nef", ".dng"])
def test_raw_files_are_refused_with_a_remedy(tmp_path, suffix):
    path = tmp_path / f"shot{suffix}"
    path.write_bytes(encoded(Image.fromarray(scene()), "TIFF"))
    with pytest.raises(ImageReadError, match=r"camera's raw file.*develop it to TIFF"):
        images.read_image(path)


def test_a_raw_file_is_known_by_its_content_too():
    dng = encoded(Image.fromarray(scene()), "TIFF", tiffinfo={50706: b"\1\4\0\0"})
    with pytest.raises(ImageReadError, match="camera's raw file"):
        images.decode_image(dng)


@pytest.mark.parametrize("size", [(30_000, 30_000), (16_384, 12_288), (13_360, 13_340)])
def test_a_huge_picture_is_refused_from_its_header(size):
    with pytest.raises(ImageTooLargeError, match=r"178,000,000 are allowed. Make it smaller"):
        images.decode_image(png_with_header(*size))


def test_the_bound_on_pixels_is_the_callers():
    data = images.encode_png(scene())
    assert images.decode_image(data, max_pixels=96 * 128).image.shape == (96, 128, 3)
    with pytest.raises(ImageTooLargeError, match=r"it has 128x96 pixels, and 12,287 are allowed"):
        images.decode_image(data, max_pixels=96 * 128 - 1)


def test_pillows_own_bound_neither_warns_nor_leaves_a_note(monkeypatch):
    monkeypatch.setattr(
        Image, "MAX_IMAGE_PIXELS", 8_000
    )  # warns from here, refuses from twice as many
    assert images.decode_image(images.encode_png(scene(128, 96))).notes == ()
    with pytest.raises(ImageTooLargeError, match=r"it has 20,000 pixels"):
        images.decode_image(images.encode_png(scene(200, 100)))


def test_other_warnings_of_pillow_become_notes():
    exif = Image.Exif()
    exif[271] = "Maker"
    data = bytearray(encoded(Image.fromarray(scene()), "JPEG", exif=exif.tobytes()))
    data[data.index(b"Exif") + 10] = 255
    (note,) = images.decode_image(bytes(data)).notes
    assert note.startswith("Pillow warned: Corrupt EXIF data")


def test_one_pixel_is_a_picture():
    decoded = images.decode_image(encoded(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG"))
    assert decoded.image.tolist() == [[[1, 2, 3]]]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_read_and_named_in_one_line(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(images.encode_png(scene()))
    assert np.array_equal(images.read_image(path).image, scene())
    path.write_bytes(b"no")
    with pytest.raises(ImageReadError) as caught:
        images.read_image(path)
    assert "\n" not in str(caught.value)
    assert repr(name)[1:-1] in str(caught.value) or name in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(ImageReadError, match=r"cannot read '.*gone.png': No such file"):
        images.read_image(tmp_path / "gone.png")
    (tmp_path / "self.png").symlink_to(tmp_path / "self.png")
    for path in (tmp_path, tmp_path / "self.png"):
        with pytest.raises(ImageReadError, match="cannot read"):
            images.read_image(path)


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0, reason="only root can become another user"
)
def test_a_file_without_permission_is_named(tmp_path):
    path = tmp_path / "closed.png"
    path.write_bytes(images.encode_png(scene()))
    path.chmod(0o000)
    for folder in [tmp_path, *tmp_path.parents][:3]:
        folder.chmod(0o755)
    script = (
        "import os, sys; from pathlib import Path; from ggt.errors import ImageReadError; from ggt import images\n"
        "import cv2, PIL.Image, numpy; images.decode_image(images.encode_png(numpy.zeros((8, 8, 3), 'uint8')))\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "try: images.read_image(Path(sys.argv[1]))\n"
        "except ImageReadError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"cannot read {str(path)!r}: Permission denied\n"


def test_encoding_twice_gives_the_same_bytes_and_the_same_pixels_back():
    first = images.encode_png(scene())
    assert first == images.encode_png(scene().copy())
    assert np.array_equal(images.decode_image(first).image, scene())


def test_text_in_a_png_is_read_by_other_programs():
    data = images.encode_png(scene(), text={"b": "größer", "a": "not-ground-truth"})
    opened = Image.open(io.BytesIO(data))
    opened.load()
    assert dict(opened.text) == {"a": "not-ground-truth", "b": "größer"}
    assert data == images.encode_png(scene(), text={"a": "not-ground-truth", "b": "größer"})
    assert np.array_equal(images.decode_image(data).image, scene())


def test_jpeg_quality_orders_the_error():
    errors = [
        np.abs(
            images.decode_image(images.encode_jpeg(scene(), quality=quality)).image
            - scene().astype(int)
        ).mean()
        for quality in (95, 50, 10)
    ]
    assert errors == sorted(errors)


def test_pixel_hash_depends_on_shape_and_pixels_only():
    image = scene()
    expected = hashlib.sha256(b"uint8 (96, 128, 3)" + image.tobytes()).hexdigest()
    assert images.pixel_hash(image) == expected
    assert images.pixel_hash(np.asfortranarray(image)) == expected
    assert images.pixel_hash(image.reshape(128, 96, 3)) != expected


def test_float_and_back_is_exact():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    assert images.to_float(levels).dtype == np.float32
    assert images.to_float(levels).max() == 1
    assert np.array_equal(images.to_uint8(images.to_float(levels)), levels)
    assert images.to_uint8(np.array([[-0.1, 1.2, 0.5]], np.float32)).tolist() == [[0, 255, 128]]


def test_luma_weighs_channels_as_jpeg_does():
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)
    assert images.luma(colours)[0] == pytest.approx([0.299, 0.587, 0.114, 1.0], abs=1e-6)
    assert np.array_equal(images.luma(images.to_float(colours)), images.luma(colours))


def test_resizing_is_pillows_lanczos():
    expected = Image.fromarray(scene()).resize((50, 40), Image.Resampling.LANCZOS)
    assert np.array_equal(images.resize(scene(), 50, 40), np.asarray(expected))
    assert images.resize(scene(), 128, 96) is not None
    plane = images.luma(scene())
    assert images.resize_plane(plane, 50, 40).shape == (40, 50)


@pytest.mark.parametrize("size", [(1, 1), (10, 300), (257, 300), (900, 700)])
def test_a_thumbnail_has_the_asked_short_side_and_the_same_mean(size):
    image = scene(*size)
    small = images.thumbnail(image, 64)
    assert min(small.shape[:2]) == min(64, *size)
    assert small.mean() == pytest.approx(image.mean(), abs=1.5)
