"""The vocabulary of stories260K as `tokenizer.json`, in the layout that Hugging Face converts SentencePiece models to.

    python sentencepiece_folder.py stories260K-f32.gguf tokenizer.json

Merges are made as transformers makes them for Llama: for every piece, each cut into two pieces of the vocabulary, in the
order of scores. Says how many of the strings in Fixtures/tokenizer the tokenizers library cuts as SentencePiece does; the
tests hold the engine against SentencePiece. Ran with tokenizers 0.23.3 and gguf 0.19.0.
"""

import json
import pathlib
import sys

import gguf
import tokenizers

reader = gguf.GGUFReader(sys.argv[1])
pieces = reader.fields["tokenizer.ggml.tokens"].contents()
scores = reader.fields["tokenizer.ggml.scores"].contents()
types = reader.fields["tokenizer.ggml.token_type"].contents()
vocabulary = {piece: index for index, piece in enumerate(pieces)}
normal = {piece for piece, kind in zip(pieces, types) if kind == 1}

merges = []
for index, (piece, kind) in enumerate(zip(pieces, types)):
    if kind != 1:
        continue
    cuts = [(piece[:at], piece[at:]) for at in range(1, len(piece))]
    cuts = [cut for cut in cuts if cut[0] in normal and cut[1] in normal]
    cuts.sort(key=lambda cut: (vocabulary[cut[0]], vocabulary[cut[1]]))
    merges += [(-scores[index], cut) for cut in cuts]
merges.sort(key=lambda merge: merge[0])

document = {
    "version": "1.0",
    "added_tokens": [
        {"id": index, "content": piece, "special": True, "lstrip": False, "rstrip": False, "normalized": False,
         "single_word": False}
        for index, piece in enumerate(pieces[:3])
    ],
    "normalizer": {
        "type": "Sequence",
        "normalizers": [
            {"type": "Prepend", "prepend": "▁"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        ],
    },
    "pre_tokenizer": None,
    "post_processor": None,
    "decoder": None,
    "model": {
        "type": "BPE",
        "unk_token": "<unk>",
        "fuse_unk": True,
        "byte_fallback": True,
        "vocab": vocabulary,
        "merges": [list(cut) for _, cut in merges],
    },
}
path = pathlib.Path(sys.argv[2])
path.write_text(json.dumps(document, ensure_ascii=False) + "\n")

folder = path.parent
strings = json.loads((folder / "strings.json").read_text())
expected = json.loads((folder / "sentencepiece.json").read_text())["bytes"]["ordinary"]
tokenizer = tokenizers.Tokenizer.from_file(str(path))
found = [tokenizer.encode(text, add_special_tokens=False).ids for text in strings]
same = sum(a == b for a, b in zip(found, expected))
print(f"{same} of {len(strings)} strings are the same in the tokenizers library")
