"""A second reader of .emllm files, written from weights-format.md alone, held against the gguf package.

    python check_emllm.py MODEL.emllm [SOURCE.gguf]

Checks every rule of the container and every checksum. With the GGUF file that the model was converted from (without
--quantize), also dequantizes every tensor of both, with numpy here and with the gguf package there, and compares bits.
Needs numpy; for the comparison also gguf.
"""

import hashlib
import json
import struct
import sys

import numpy

TYPES = ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K"]


def read(path):
    data = numpy.memmap(path, dtype=numpy.uint8, mode="r")
    head = bytes(data[:64])
    assert head[:8] == b"EMLLM\0\r\n", "magic"
    version, count, size, reserved = struct.unpack_from("<IIQQ", head, 8)
    assert (version, size, reserved) == (1, len(data), 0), "header"
    table = bytes(data[64 : 64 + 64 * count])
    assert hashlib.sha256(head[:32] + table).digest() == head[32:], "header checksum"
    sections = {}
    for index in range(count):
        kind, flags, offset, length, _ = struct.unpack_from("<IIQQQ", table, 64 * index)
        assert kind not in sections and offset % 64 == 0 and offset + length <= size
        body = data[offset : offset + length]
        if kind != 4:
            assert hashlib.sha256(body).digest() == table[64 * index + 32 : 64 * index + 64], f"section {kind}"
        sections[kind] = body
    metadata = json.loads(bytes(sections[1]))
    tokenizer = read_tokenizer(bytes(sections[2]))
    tensors = {}
    index = bytes(sections[3])
    count, name_bytes = struct.unpack_from("<II", index)
    assert len(index) == 8 + 80 * count + name_bytes
    names = index[8 + 80 * count :]
    for at in range(8, 8 + 80 * count, 80):
        name_at, name_length, kind, rank, rows, columns, offset, length = struct.unpack_from("<IIIIQQQQ", index, at)
        name = names[name_at : name_at + name_length].decode()
        body = sections[4][offset : offset + length]
        assert offset % 64 == 0 and len(body) == length
        assert hashlib.sha256(body).digest() == index[at + 48 : at + 80], name
        tensors[name] = (TYPES[kind], rank, rows, columns, body)
    return metadata, tokenizer, tensors


def read_tokenizer(data):
    model, flags, bos, eos, unknown, padding, tokens, merges, ends, name, token_bytes, merge_bytes = struct.unpack_from(
        "<IIiiiiIIIIII", data
    )
    at = 48

    def take(format, count):
        nonlocal at
        values = struct.unpack_from(f"<{count}{format}", data, at)
        at += count * struct.calcsize(format)
        return values

    def texts(ends, length):
        nonlocal at
        run = data[at : at + length]
        at += length
        return [run[begin:end].decode() for begin, end in zip((0, *ends), ends)]

    result = {"model": model, "flags": flags, "bos": bos, "eos": eos, "unknown": unknown, "padding": padding}
    result["end_of_generation"] = take("i", ends)
    token_ends, merge_ends = take("I", tokens), take("I", merges)
    result["scores"] = take("f", tokens if flags & 8 else 0)
    result["types"] = take("B", tokens)
    result["pre"] = data[at : at + name].decode()
    at += name
    result["tokens"] = texts(token_ends, token_bytes)
    result["merges"] = texts(merge_ends, merge_bytes)
    assert at == len(data)
    return result


def dequantize(kind, rows, columns, body):
    """A packed matrix as floats [rows, columns]."""
    if kind == "F32":
        return body.view("<f4").reshape(rows, columns)
    if kind == "F16":
        return body.view("<f2").reshape(rows, columns).astype(numpy.float32)
    if kind == "BF16":
        return (body.view("<u2").astype(numpy.uint32) << 16).view(numpy.float32).reshape(rows, columns)
    blocks = columns // 32
    panels = -(-rows // 16)
    body = body.reshape(panels, -1)
    position = 0

    def plane(*shape):
        nonlocal position
        length = int(numpy.prod(shape))
        position += length
        return body[:, position - length : position].reshape(panels, *shape)

    def halves(count):
        """[panels, count, 16 rows] of 16-bit floats."""
        return numpy.ascontiguousarray(plane(count, 16, 2)).view("<f2")[..., 0].astype(numpy.float32)

    # values: [panels, blocks, 8 groups, 16 rows, 4]
    if kind == "Q8_0":
        values = plane(blocks, 8, 16, 4).astype(numpy.int32)
    else:
        low = plane(blocks, 4, 16, 4).astype(numpy.int32)
        values = numpy.concatenate([low & 15, low >> 4], axis=2)
        group = numpy.arange(8).reshape(8, 1, 1)
        if kind in ("Q5_0", "Q5_1", "Q5_K"):
            high = plane(blocks, 1, 16, 4).astype(numpy.int32)
            values = values | (high >> group & 1) << 4
        if kind == "Q6_K":
            high = plane(blocks, 2, 16, 4).astype(numpy.int32)
            values = values | (numpy.repeat(high, 4, axis=2) >> group % 4 * 2 & 3) << 4
    values = values.transpose(0, 3, 1, 2, 4).reshape(panels, 16, blocks, 32)  # [panels, rows, blocks, 32]

    def by_row(planes):
        """[panels, count, 16] to [panels, 16, count, 1]."""
        return planes.transpose(0, 2, 1)[..., None]

    if kind == "Q6_K":
        scales = by_row(plane(blocks * 2, 16).view(numpy.int8).astype(numpy.float32))
        d = numpy.repeat(by_row(halves(blocks // 8)), 16, axis=2)
        result = (values - 32).astype(numpy.float32).reshape(panels, 16, blocks * 2, 16) * (d * scales)
    elif kind in ("Q4_K", "Q5_K"):
        scales = by_row(plane(blocks, 16).astype(numpy.float32))
        minimums = by_row(plane(blocks, 16).astype(numpy.float32))
        d = numpy.repeat(by_row(halves(blocks // 8)), 8, axis=2)
        m = numpy.repeat(by_row(halves(blocks // 8)), 8, axis=2)
        result = values.astype(numpy.float32) * (d * scales) - m * minimums
    else:
        offset = {"Q8_0": 128, "Q4_0": 8, "Q5_0": 16}.get(kind, 0)
        result = (values - offset).astype(numpy.float32) * by_row(halves(blocks))
        if kind in ("Q4_1", "Q5_1"):
            result = result + by_row(halves(blocks))
    return result.reshape(panels * 16, columns)[:rows]


def canonical_name(name):
    special = {"token_embd.weight": "token_embedding", "output_norm.weight": "output_norm", "output.weight": "output"}
    if name in special:
        return special[name]
    parts = {
        "attn_norm": "attention_norm",
        "attn_q": "attention.q",
        "attn_k": "attention.k",
        "attn_v": "attention.v",
        "attn_output": "attention.output",
        "ffn_norm": "feed_forward_norm",
        "ffn_gate": "feed_forward.gate",
        "ffn_up": "feed_forward.up",
        "ffn_down": "feed_forward.down",
    }
    _, layer, part, _ = name.split(".")
    return f"layers.{layer}.{parts[part]}"


def compare(tokenizer, tensors, source):
    import gguf

    reader = gguf.GGUFReader(source)

    def field(name):
        found = reader.fields.get("tokenizer.ggml." + name)
        return found.contents() if found else None

    assert tokenizer["tokens"] == field("tokens") and tokenizer["merges"] == (field("merges") or [])
    assert list(tokenizer["types"]) == field("token_type")
    for key, name in (("bos", "bos_token_id"), ("eos", "eos_token_id"), ("unknown", "unknown_token_id")):
        assert tokenizer[key] == (-1 if field(name) is None else field(name)), key
    left = set(tensors)
    for tensor in reader.tensors:
        if tensor.name == "rope_freqs.weight":
            continue
        name = canonical_name(tensor.name)
        left.remove(name)
        kind, rank, rows, columns, body = tensors[name]
        with numpy.errstate(all="ignore"):
            expected = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(numpy.float32)
            found = dequantize(kind, rows, columns, body)
        if rank == 1:
            found = found.reshape(-1)
        assert found.shape == expected.shape, (name, found.shape, expected.shape)
        same = found.view(numpy.uint32) == numpy.ascontiguousarray(expected).view(numpy.uint32)
        # The sign of a zero is the one thing on which the order of operations may differ.
        assert numpy.all(same | ((found == 0) & (expected == 0))), (name, kind, numpy.abs(found - expected).max())
    assert not left, left
    print(f"{len(reader.tensors)} tensors and {len(tokenizer['tokens'])} tokens equal those of the GGUF file")


def main():
    metadata, tokenizer, tensors = read(sys.argv[1])
    print(metadata["provenance"]["name"], metadata["configuration"]["family"], len(tensors), "tensors, checksums match")
    if len(sys.argv) > 2:
        compare(tokenizer, tensors, sys.argv[2])


main()
