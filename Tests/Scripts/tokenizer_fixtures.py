#!/usr/bin/env python3
"""Writes Tests/EMLLMCoreTests/Fixtures/tokenizer/: what independent tokenizers make of some 280 strings.

    tokenizer_fixtures.py SmolLM2-135M-Instruct.Q4_1.gguf stories260K-f32.gguf Tests/EMLLMCoreTests/Fixtures/tokenizer

The files:

  * strings.json        the strings;
  * byte-level.json     a small byte-level vocabulary, trained here on the sentences below, and for each pre-tokenizer
                        the ids that Hugging Face's `tokenizers` gives, with the published expression as a Regex;
  * smollm2.json        ids under SmolLM2's own vocabulary and merges, taken from the GGUF file, with Hugging Face;
  * sentencepiece.json  two SentencePiece vocabularies, that of stories260K (bytes as a fallback) and one made from it
                        (no bytes, user-defined pieces), with the ids that the `sentencepiece` package gives, and ids of
                        texts with special tokens from Hugging Face's form of Llama 2's tokenizer.

Made with Python 3.11, tokenizers 0.23.3, sentencepiece 0.2.3, protobuf, gguf 0.19.0. Never needed to run the tests.
"""

import json
import random
import sys
from pathlib import Path

import sentencepiece
from gguf import GGUFReader
from sentencepiece import sentencepiece_model_pb2 as proto
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

# The numbers of token types in GGUF and SentencePiece: 1 normal, 2 unknown, 3 control, 4 user-defined, 6 byte.

CL100K = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN35 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)

SENTENCES = [
    "The quick brown fox jumps over the lazy dog, and then it sleeps in the sun for the rest of the day.",
    "Don't you think they'll say we've been there? I'm sure she'd agree; it's what they're after. He said that it isn't.",
    "In 2024 there were 1234 people, 56 dogs and 7890 cats; 3.14159 is pi, and 1,000,000 is a million.",
    "def add(a, b):\n    return a + b\n\n\nfor i in range(10):\n        print(i, end='')\n",
    "int main(void) {\n\treturn 0;\n}\n// comment\n#include <stdio.h>\n",
    "https://www.example.org/path?query=value&other=thing#fragment",
    "Привет, как дела? Сегодня хорошая погода, и мы идём в парк.",
    "今天天气很好,我们去公园吧。他说他不知道这是什么。",
    "こんにちは世界。これはテストです。日本語の文章を書きます。",
    "안녕하세요 세계. 오늘 날씨가 좋습니다.",
    "مرحبا بالعالم، كيف حالك اليوم؟",
    "שלום עולם, מה שלומך היום?",
    "नमस्ते दुनिया, आप कैसे हैं?",
    "สวัสดีชาวโลก วันนี้อากาศดี",
    "Γειά σου κόσμε, τι κάνεις σήμερα;",
    "Le café était fermé à Noël; où êtes-vous, mon élève? Ça va très bien, merci.",
    "Die Straße ist schön, über Österreich fährt man nach Süden.",
    "Zażółć gęślą jaźń. Příliš žluťoučký kůň. Čeština.",
    "Tiếng Việt có nhiều dấu: ở, ề, ẫ, ự, đ.",
    "😀 😂 👍 ❤️ 🎉 👩‍👩‍👧‍👦 🇩🇪 🇫🇷",
    "“Curly quotes” and ‘single’ ones — with dashes – and an ellipsis…",
]

CONTRACTIONS = [
    "I'm you're he's she'd we'll they've don't", "I'M YOU'RE HE'S SHE'D WE'LL THEY'VE DON'T", "It'S a tEst'Ll'vE",
    "'s 't 're 've 'm 'll 'd", "''s '''ll 'x 'r 'v 'l 'le 'rE 'Ve", "rock'n'roll o'clock 'tis ma'am'd've", "'ſ 'ſs it'ſ",
    "I’m you’re he’s ‘single’ “double”", "'", "''", "'s", "'ll", "'l", " 's", "  's", "\n's", "1's 2'll", "é's ü'd",
]
DIGITS = [
    "0", "12", "123", "1234", "12345678901234567890", "3.14159", "1,000,000", "1 2 3", "  42  ", "x1y2z3", "v1.2.3-rc4",
    "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "০১২৩", "๐๑๒๓", "４２ ０１", "½ ⅓ ¼", "Ⅷ Ⅻ ⅳ", "x² y³ H₂O", "①②③ ⑩", "一二三四五", "㊿ ㉛", "𝟘𝟙𝟚 𝟭𝟮",
    "1٢३4", "10€ 5% #7 $3.50", "2024-01-31T23:59:59Z", "0x1F 0b1010 1e-9",
]
SPACES = [
    "", " ", "  ", "   ", "    ", "     ", "                ", "\t", "\t\t", "\t\t\t\ta", "\n", "\n\n", "\n\n\n", "\r\n", "\r\n\r\n", "\r",
    "a b", "a  b", "a   b", "a    b", " a", "  a", "   a", "a ", "a  ", "a   ", "a\tb", "a\t\tb", "a \tb", "a\t b", "a\nb", "a\n\nb",
    "a \nb", "a\n b", "a  \n  b", "a\r\nb", "a\r\n\r\nb", "a \r\n b", " \n \n ", "\n \n", "  \n", "\n  ", "\n  x", " \n\n  \n x", "\u00a0",
    "a\u00a0b", "a\u00a0\u00a0b", "\u00a0\u00a0x", " \u00a0x", "\u00a0 x", "\u3000", "日本\u3000語", "\u3000\u3000字", "a\u2003b\u2009c\u200ad",
    "a\u2028b\u2029c", "a\u202fb\u205fc", "a\u1680b", "a\u0085b", "a\x0bb\x0cc", "x\x0b\x0c y", "a\u200bb", "a\u180eb", "\ufeffbom", "!  \n\n?",
    "hello \n", "hello\n ", "a 1", "a  1", "a   1  2", "\n1", "\t1 \t2", "  !", "   !!", " !\n\nx", "!\r\n\r\n!", "...\n\n\n...", "   \n\n   1",
]
WORDS = [
    "Hello", "Hello, world!", " Hello", "HELLO hello HeLLo", "The quick brown fox jumps over the lazy dog.", "antidisestablishmentarianism",
    "supercalifragilisticexpialidocious", "naïve café résumé coöperate", "cafe\u0301 re\u0301sume\u0301 (decomposed)", "ﬁne ﬂow oﬃce",
    "Straße STRASSE ẞ", "Æsop œuvre Øre Ðe þorn", "Zażółć gęślą jaźń", "Příliš žluťoučký kůň", "İstanbul ısı", "Tiếng Việt ở đây", "ŉ ǆ Ǆ ǅ",
    "Привет, мир!", "Съешь ещё этих мягких французских булок", "Українська ґедзь їжак", "Γειά σου Κόσμε", "Ἐν ἀρχῇ ἦν ὁ λόγος", "Հայերեն լեզու",
    "ქართული ენა", "שלום עולם", "שָׁלוֹם עֲלֵיכֶם", "مرحبا بالعالم", "اَلسَّلَامُ عَلَيْكُمْ", "فارسی می‌نویسم", "اردو زبان", "नमस्ते दुनिया", "क्षत्रिय ज्ञान श्री", "বাংলা ভাষা",
    "ਪੰਜਾਬੀ", "ગુજરાતી ભાષા", "தமிழ் மொழி", "తెలుగు భాష", "ಕನ್ನಡ ಭಾಷೆ", "മലയാളം ഭാഷ", "සිංහල භාෂාව", "สวัสดีชาวโลก", "ພາສາລາວ", "မြန်မာဘာသာ", "ភាសាខ្មែរ",
    "བོད་སྐད", "አማርኛ ቋንቋ", "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ", "ᐃᓄᒃᑎᑐᑦ", "Монгол ᠮᠣᠩᠭᠣᠯ", "ᚠᚢᚦᚨᚱᚲ", "𐌲𐌿𐍄𐌹𐍃𐌺", "你好,世界!", "今天天气很好,我们去公园吧。", "繁體中文測試", "𠮷野家 𩸽 𪚥", "こんにちは世界",
    "カタカナとひらがなと漢字", "ﾊﾝｶｸ ｶﾀｶﾅ", "か\u3099き\u3099 が", "안녕하세요 세계", "\u1112\u1161\u11ab\u1100\u1173\u11af 한글", "Ｆｕｌｌｗｉｄｔｈ ＡＢＣ", "Ω Ω K Å Å", "ΑΒΓ αβγ ς",
    "a\u0300\u0301\u0302 x\u0336y\u0336", "q\u0307\u0323 q\u0323\u0307", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!", "مُحَمَّد\u0640\u0640\u0640", "ΐ ΐ Ǖ",
    "\U00021f09\u0301 \u1f09\u0301 \U00011099\U000110ba", "ꙮ ꝏ ꜰ", "ʻokina ʼnx ˈstress", "ªº µ ª", "Hello мир 世界 مرحبا नमस्ते!", "abcабвαβγ", "über-cool_snake-case camelCase PascalCase",
]
SYMBOLS = [
    "😀", "😀😂🤣", "hello 😀 world", "👩‍👩‍👧‍👦 👨🏽‍💻 🏳️‍🌈", "🇩🇪🇫🇷🇯🇵", "❤️ ❤ ☎︎ ☎️", "1️⃣ #️⃣", "👍🏿👍🏻", "🫠🫡🫨", "✓ ✔ ✗ ★ ☆ → ⇒ ∞", "∑∫∂√ ≤≥≠ ∀∃∈", "€£¥¢₿ ₹",
    "©®™ § ¶ † ‡", "«guillemets» ‹x› „unten“", "“curly” ‘quotes’ — – … ‐", "。、！？「」『』", "،؛؟ ۔", "·•‣ ◦", "░▒▓█ ┌─┐│└┘", "⠓⠑⠇⠇⠕", "𝒜𝓁𝑔𝑒𝒷𝓇𝒶 𝔽𝕠𝕟𝕥", "🄰🅱",
    "!", "!!", "?!?!", "...", "....", "-----", "=====>", "***bold***", "~~~", "###", "<<<>>>", "(((a)))", "[{()}]", "a,b;c:d", "a.b.c", "@user #tag", "^_^ :-) ;)",
    "%s %d %5.2f", "\\n \\t \\\\", "\"quoted\"", "`code`", "a/b\\c", "a|b||c&&d", "--flag=value -x", "!important;\n\n}",
]
CODE = [
    "def f(x):\n    return x**2  # square\n", "for (int i = 0; i < n; ++i) {\n\tsum += a[i];\n}\n", "if x == 1 and y != 2:\n        pass\n\n\n\nclass A:\n    pass",
    "func add(_ a: Int, _ b: Int) -> Int { a + b }", "let x = [1, 2, 3].map { $0 * 2 }", "SELECT * FROM t WHERE id = 42;", "<div class=\"a\">text</div>",
    "{\"key\": [1, 2.5, null, true], \"k2\": \"v\"}", "#!/bin/bash\nset -euo pipefail\necho \"$HOME\"\n", "a\n\tb\n\t\tc\n\t\t\td", "x=1;y=2;z=x+y", "std::vector<std::pair<int,int>> v;",
    "int *p = &x; *p += 3;", "/* multi\n * line\n */", "\\begin{equation} E = mc^2 \\end{equation}", "printf(\"%d\\n\", 1);", "import os, sys\nfrom x import y as z",
    "https://www.example.org/path?query=value&other=thing#fragment", "http://localhost:8080/a/b%20c", "user@example.com", "ftp://x.y/z.tar.gz", "C:\\Windows\\System32", "/usr/local/bin",
    "192.168.0.1:443", "::1 fe80::1%eth0", "sha256:9f86d081884c7d65", "aGVsbG8gd29ybGQ=", "550e8400-e29b-41d4-a716-446655440000",
]
CONTROLS = [
    "\x00", "a\x00b", "\x01\x02\x03", "\x04\x06\x13 the\x04re", "\x1b[31mred\x1b[0m", "\x7f", "\x80\x9f", "\u0600\u061c", "\u200e\u200f\u202a\u202c", "\ufffd", "\ufffe\uffff", "\ue000\uf8ff",
    "\U000e0041\U000e007f", "\U0010ffff", "\U00040000", "a\xadb", "\u2060\u2064", "\u034f",
]
MARKUP = [
    "<|im_start|>user\nhi<|im_end|>\n", "<|endoftext|>", "<|im_start|", "|im_end|>", "<s>", "</s>", "<unk>", "<0x41>", "<0x0A>", "<pad>", "[INST] x [/INST]", "<<SYS>>", "<|begin_of_text|>", "<think>",
    "<tool_call>", "<|im_end|><|im_end|>", "a<|im_end|>b", "▁", "a▁b", "▁▁ x", "Ġ Ċ ĠĠ", "hello hello", "quixotic zebra and a zebra", "the    whitespace   run      here",
]
LONG = ["a" * 300, "ab" * 400, "Donaudampfschifffahrtsgesellschaftskapitän" * 12, " " * 300, "\n" * 70, "9" * 130, "!" * 130, "é" * 150, "あ" * 120, "😀" * 60, "ha" * 30 + "!" * 30, "x \t" * 40]

STRINGS = CONTRACTIONS + DIGITS + SPACES + WORDS + SYMBOLS + CODE + CONTROLS + MARKUP + SENTENCES + LONG


def byte_level(vocabulary, merges, pattern=None, digits=False, nfc=False, whole=False):
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=whole))
    if nfc:
        tokenizer.normalizer = normalizers.NFC()
    steps = [pre_tokenizers.Digits(individual_digits=True)] if digits else []
    if pattern:
        steps += [pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    else:
        steps += [pre_tokenizers.ByteLevel(False, use_regex=True)]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


PRE_TOKENIZERS = {
    "gpt-2": {},
    "smollm": {"digits": True},
    "command-r": {"digits": True, "nfc": True},
    "llama-bpe": {"pattern": CL100K % "{1,3}", "whole": True},
    "smaug-bpe": {"pattern": CL100K % "{1,3}"},
    "qwen2": {"pattern": CL100K % "", "nfc": True},
    "qwen35": {"pattern": QWEN35, "nfc": True},
}


def ids(tokenizer, strings):
    return [tokenizer.encode(s, add_special_tokens=False).ids for s in strings]


def definition(**fields):
    return {
        "preTokenizer": "default", "scores": [], "merges": [], "endOfGeneration": [],
        "addsBeginningOfSequence": False, "addsEndOfSequence": False, "addsSpacePrefix": False, **fields,
    }


def write(path, value):
    path.write_text(json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n")


def make_byte_level(path):
    trainer = trainers.BpeTrainer(
        vocab_size=1500, min_frequency=1, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(False)
    trained.train_from_iterator(SENTENCES + [s for s in WORDS if len(s) > 12] * 2, trainer)
    model = json.loads(trained.to_str())["model"]
    vocabulary, merges = model["vocab"], [tuple(m) for m in model["merges"]]
    # Whole words that no merge builds, which only a tokenizer that ignores merges finds.
    for word in ["Ġquixotic", "zebra"]:
        vocabulary[word] = len(vocabulary)
    count = len(vocabulary)
    added = [("<|im_start|>", 3), ("<|im_end|>", 3), ("<|im", 3), ("<tool_call>", 4), ("    ", 4)]
    tokens = [t for t, _ in sorted(vocabulary.items(), key=lambda item: item[1])] + [t for t, _ in added]
    trusted = [
        "<|im_start|>user\nHello there<|im_end|>\n", "<|im_start|><|im_end|>", "a<|im_end|> b", "<|im_sta", "<|im <|im_start|",
        "<tool_call>x</tool_call>", "  <|im_end|>  ", "the    end", "caf\u0065\u0301<|im_end|>\u0301x", "<<|im_end|>>", "don<|im_end|>'t",
    ]
    pre = {}
    for name, options in PRE_TOKENIZERS.items():
        plain = byte_level(vocabulary, merges, **options)
        full = byte_level(vocabulary, merges, **options)
        full.add_special_tokens([AddedToken(t, normalized=False) for t, kind in added if kind == 3])
        full.add_tokens([AddedToken(t, normalized=False) for t, kind in added if kind == 4])
        # Of what authors added, the run of spaces also counts in ordinary text.
        plain.add_tokens([AddedToken("    ", normalized=False)])
        shift = {count: count + len(added) - 1}
        pre[name] = {
            "ordinary": [[shift.get(i, i) for i in line] for line in ids(plain, STRINGS)],
            "trusted": ids(full, trusted),
        }
    generator = random.Random(3)
    sequences = [[generator.randrange(count) for _ in range(12)] for _ in range(40)]
    sequences += [[vocabulary[generator.choice("ðŁĺĢâĤ¬ÃĠaíĪĦ¿")] for _ in range(8)] for _ in range(80)]
    write(
        path,
        {
            "definition": definition(
                model="bytePairEncoding", tokens=tokens, types=[1] * count + [kind for _, kind in added],
                merges=[" ".join(m) for m in merges], endOfSequence=tokens.index("<|im_end|>"),
            ),
            "preTokenizers": pre, "trusted": trusted,
            "decodings": [{"tokens": s, "text": full.decode(s, skip_special_tokens=False)} for s in sequences],
        },
    )


def contents(reader, key):
    return reader.fields["tokenizer.ggml." + key].contents()


def make_smollm2(gguf, path):
    reader = GGUFReader(gguf)
    tokens, types = contents(reader, "tokens"), contents(reader, "token_type")
    vocabulary = {t: i for i, t in enumerate(tokens)}
    merges = [tuple(m.split(" ")) for m in contents(reader, "merges")]
    plain = byte_level(vocabulary, merges, digits=True)
    full = byte_level(vocabulary, merges, digits=True)
    full.add_special_tokens([AddedToken(t, normalized=False) for t, kind in zip(tokens, types) if kind == 3])
    trusted = [
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n<|im_start|>user\nWhat is 12 + 30?<|im_end|>\n<|im_start|>assistant\n",
        "<repo_name>x<file_sep>y<|endoftext|>", "<|im_end|><|im_end|>  <|im_end|>\n\n", "<reponame> <repo_name>",
    ]
    write(path, {"ordinary": ids(plain, STRINGS), "trustedTexts": trusted, "trusted": ids(full, trusted)})


def sentencepiece_model(pieces, byte_fallback):
    model = proto.ModelProto()
    for text, score, kind in pieces:
        model.pieces.add(piece=text, score=score, type=kind)
    model.trainer_spec.model_type = proto.TrainerSpec.BPE
    model.trainer_spec.vocab_size = len(pieces)
    model.trainer_spec.byte_fallback = byte_fallback
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.add_dummy_prefix = True
    model.normalizer_spec.remove_extra_whitespaces = False
    model.normalizer_spec.escape_whitespaces = True
    return sentencepiece.SentencePieceProcessor(model_proto=model.SerializeToString())


def llama_legacy(pieces):
    """Llama 2's `tokenizer.json` in its first, "legacy" form, which puts a space before text after special tokens."""
    vocabulary = {text: i for i, (text, _, _) in enumerate(pieces)}
    rank = {text: i for i, (text, _, kind) in enumerate(pieces) if kind == 1}
    merges = []
    for text in rank:
        merges += [(text[:i], text[i:]) for i in range(1, len(text)) if text[:i] in rank and text[i:] in rank]
    score = {text: s for text, s, _ in pieces}
    merges.sort(key=lambda m: (-score[m[0] + m[1]], rank[m[0]], rank[m[1]]))
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens([AddedToken(t, normalized=False) for t in ["<unk>", "<s>", "</s>"]])
    return tokenizer


def make_sentencepiece(gguf, path):
    reader = GGUFReader(gguf)
    pieces = list(zip(contents(reader, "tokens"), contents(reader, "scores"), contents(reader, "token_type")))
    without_bytes = [p for p in pieces if p[2] != 6] + [("▁▁▁", 0.0, 4), ("hello", 0.0, 4)]
    vocabularies = {}
    for name, vocabulary in {"bytes": pieces, "unknown": without_bytes}.items():
        processor = sentencepiece_model(vocabulary, name == "bytes")
        ordinary = [processor.encode(s) for s in STRINGS]
        entry = {
            "definition": definition(
                model="sentencePiece", tokens=[p[0] for p in vocabulary], scores=[p[1] for p in vocabulary],
                types=[p[2] for p in vocabulary], unknown=0, beginningOfSequence=1, endOfSequence=2,
                addsBeginningOfSequence=True, addsSpacePrefix=True,
            ),
            "ordinary": ordinary,
        }
        if name == "bytes":
            entry["texts"] = [processor.decode(line) for line in ordinary]
            entry["trusted"] = [
                "<s>Once upon a time", "<s> Once", "One day</s>Lily", "</s></s> x", "a</s>\nb<s>", "<unk>the<unk>", "</s", "he said</s> she said",
            ]
            entry["trustedTokens"] = ids(llama_legacy(pieces), entry["trusted"])
        vocabularies[name] = entry
    write(path, vocabularies)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    output = Path(sys.argv[3])
    output.mkdir(parents=True, exist_ok=True)
    assert len(set(STRINGS)) >= 200
    write(output / "strings.json", STRINGS)
    make_byte_level(output / "byte-level.json")
    make_smollm2(sys.argv[1], output / "smollm2.json")
    make_sentencepiece(sys.argv[2], output / "sentencepiece.json")
