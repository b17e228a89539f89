"""Small PNG and JPEG files of every kind, with the pixels that Pillow decodes: Tests/EMLLMCoreTests/Fixtures/images.

    python image_fixtures.py FOLDER

PNG files are written here, chunk by chunk, because Pillow writes only some of the colour types and depths that it reads.
JPEG files are written by Pillow. Needs Pillow and numpy; ran with Pillow 13.0 and numpy 2.4.
"""

import base64
import io
import itertools
import json
import pathlib
import struct
import sys
import zlib

import numpy
import PIL
from PIL import Image, ImageOps

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def pack_rows(samples, depth):
    """Rows [height, width, channels] of samples, each with filter 0."""
    out = b""
    for row in samples:
        values = row.reshape(-1)
        if depth == 16:
            data = values.astype(">u2").tobytes()
        elif depth == 8:
            data = values.astype(numpy.uint8).tobytes()
        else:
            bits = "".join(format(int(v), f"0{depth}b") for v in values)
            bits += "0" * (-len(bits) % 8)
            data = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
        out += b"\0" + data
    return out


def png(samples, color, depth, interlaced=False, palette=None, transparency=None, extra=b""):
    height, width, _ = samples.shape
    if interlaced:
        raw = b""
        for x, y, dx, dy in ADAM7:
            part = samples[y::dy, x::dx]
            if part.size:
                raw += pack_rows(part, depth)
    else:
        raw = pack_rows(samples, depth)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced)))
    # Wrong on purpose: decoders that apply gamma would change the pixels.
    data += chunk(b"gAMA", struct.pack(">I", 100000)) + extra
    if palette is not None:
        data += chunk(b"PLTE", palette.astype(numpy.uint8).tobytes())
    if transparency is not None:
        data += chunk(b"tRNS", transparency)
    return data + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")


def picture(random, width, height, channels, most):
    """Smooth with some noise, so that JPEG has something to do."""
    y, x = numpy.mgrid[0:height, 0:width]
    planes = [
        (0.5 + 0.5 * numpy.sin(0.3 * (c + 1) * x + 0.2 * y + c)) * most * 0.8 + random.random((height, width)) * most * 0.2
        for c in range(channels)
    ]
    return numpy.stack(planes, axis=-1).astype(numpy.int64)


def sixteen_bit_gray(image):
    """Pillow clips 16-bit grey to 255 when it becomes RGB, a known defect; its high byte is meant."""
    high = (numpy.asarray(image).astype(numpy.uint32) >> 8).astype(numpy.uint8)
    return Image.fromarray(high, "L")


def has_shallow_key(data):
    """Pillow compares a transparent 2-bit or 4-bit grey with samples that it has scaled to 8 bits already: a defect."""
    depth, color = data[24], data[25]
    return data.startswith(b"\x89PNG") and color == 0 and depth in (2, 4) and b"tRNS" in data


def expected(data, kind):
    image = Image.open(io.BytesIO(data))
    image = ImageOps.exif_transpose(image)
    if kind == "composited" and has_shallow_key(data):
        return None
    if image.mode.startswith("I"):
        image = sixteen_bit_gray(image)
    if kind == "ignored":
        return image.convert("RGB")
    rgba = image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, (255, 255, 255))
    return Image.alpha_composite(white, rgba).convert("RGB")


def exif(orientation, big_endian=False):
    order = ">" if big_endian else "<"
    entry = struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    other = struct.pack(order + "HHII", 0x010F, 2, 3, 0x41420000)
    return (b"MM" if big_endian else b"II") + struct.pack(order + "HIH", 42, 8, 2) + other + entry + b"\0\0\0\0"


def files():
    random = numpy.random.default_rng(1)
    for color, depths in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}.items():
        for depth, interlaced in itertools.product(depths, (False, True)):
            most = (1 << depth) - 1
            samples = picture(random, 11, 9, CHANNELS[color], most)
            palette = random.integers(0, 256, (1 << depth, 3)) if color == 3 else None
            name = f"png-color{color}-depth{depth}" + ("-interlaced" if interlaced else "")
            yield name, png(samples, color, depth, interlaced, palette)
            if color == 3:
                alphas = random.integers(0, 256, (1 << depth)).astype(numpy.uint8).tobytes()
                yield name + "-transparent", png(samples, color, depth, interlaced, palette, alphas)
            elif color in (0, 2) and depth <= 8:
                key = struct.pack(f">{CHANNELS[color]}H", *samples[4, 5])
                yield name + "-transparent", png(samples, color, depth, interlaced, palette, key)
    for width, height in ((1, 1), (1, 200), (200, 3)):
        yield f"png-{width}x{height}", png(picture(random, width, height, 3, 255), 2, 8)
        stream = io.BytesIO()
        Image.fromarray(picture(random, width, height, 3, 255).astype(numpy.uint8)).save(stream, "JPEG", quality=90)
        yield f"jpeg-{width}x{height}", stream.getvalue()
    grid = numpy.zeros((8, 256, 4), dtype=numpy.int64)
    grid[..., 3] = numpy.arange(256)[None, :]
    grid[..., :3] = (numpy.arange(8) * 36)[:, None, None] + numpy.array([0, 1, 3])
    yield "png-every-alpha", png(grid, 6, 8)
    yield "png-exif6", png(picture(random, 11, 9, 3, 255), 2, 8, extra=chunk(b"eXIf", exif(6, big_endian=True)))

    def jpeg(name, image, **options):
        stream = io.BytesIO()
        image.save(stream, "JPEG", **options)
        return name, stream.getvalue()

    color = Image.fromarray(picture(random, 21, 17, 3, 255).astype(numpy.uint8))
    for subsampling, progressive in itertools.product(("4:4:4", "4:2:2", "4:2:0"), (False, True)):
        name = "jpeg-" + subsampling.replace(":", "") + ("-progressive" if progressive else "")
        yield jpeg(name, color, quality=85, subsampling=subsampling, progressive=progressive)
    yield jpeg("jpeg-rgb", color, quality=85, keep_rgb=True)
    yield jpeg("jpeg-restart", color, quality=85, restart_marker_blocks=2)
    yield jpeg("jpeg-gray", color.convert("L"), quality=85)
    ink = Image.fromarray(picture(random, 21, 17, 4, 255).astype(numpy.uint8), "CMYK")
    name, data = jpeg("jpeg-cmyk", ink, quality=85)
    yield name, data
    # The last byte of Adobe's marker says which of the two it is.
    adobe = data.index(b"Adobe")
    yield "jpeg-ycck", data[: adobe + 11] + b"\2" + data[adobe + 12 :]
    for orientation in range(1, 9):
        yield jpeg(f"jpeg-exif{orientation}", color.crop((0, 0, 19, 10)), quality=80, exif=b"Exif\0\0" + exif(orientation))


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    records = []
    for name, data in files():
        file = folder / (name + (".png" if name.startswith("png") else ".jpg"))
        file.write_bytes(data)
        record = {"file": file.name}
        for kind in ("ignored", "composited"):
            image = expected(data, kind)
            if image is None:
                continue
            record["width"], record["height"] = image.size
            record[kind] = base64.b64encode(image.tobytes()).decode()
        if record.get("composited") == record["ignored"]:
            del record["composited"]
            record["opaque"] = True
        records.append(record)
    note = f"Pillow {PIL.__version__}, numpy {numpy.__version__}; pixels are [height, width, 3] in base64"
    text = json.dumps({"made with": note, "images": records}, indent=0)
    (folder / "expected.json").write_text(text + "\n")
    print(len(records), "files,", sum(f.stat().st_size for f in folder.iterdir()), "bytes")


main()
