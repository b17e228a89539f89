"""The tokenizer: byte-level byte-pair encoding, trained on the words of the puzzles; digits are tokens of their own.

    python tokenizer.py FOLDER
"""

import sys
from itertools import chain

from puzzles import KINDS, NEGATIVE_KINDS, generate
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

SIZE = 1024
PAD, START, END = "<|endoftext|>", "<|im_start|>", "<end_of_utterance>"
AROUND, IMAGE, WHOLE = "<fake_token_around_image>", "<image>", "<global-img>"
SPECIAL = [PAD, START, END, AROUND, IMAGE, WHOLE]
CONTEXT = 1024

# Turns of a conversation as "<|im_start|>role\n…<end_of_utterance>\n"; a model's answer begins on a line of its own, so
# that its first word is the same token whether it was generated or read.
TEMPLATE = """{%- for message in messages %}
{{- '<|im_start|>' + message['role'] + '\\n' }}
{%- if message['content'] is string %}{{ message['content'] }}
{%- else %}
{%- for part in message['content'] %}
{%- if part['type'] == 'text' %}{{ part['text'] }}
{%- elif part['type'] == 'image' %}{{ '<image>' }}
{%- endif %}
{%- endfor %}
{%- endif %}
{{- '<end_of_utterance>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""

# What later turns speak of, so that it costs few tokens when a model learns it.
LATER = [
    "Is the last step correct? Answer Yes or No.",
    "Is the answer correct? Answer Yes or No.",
    "Is this step correct? Answer Yes or No.",
    "Are the steps above correct? Answer Yes or No.",
    "Yes", "No", " Yes", " No", "Yes.", "No.", "yes", "no", " yes", " no",
    "The last step is wrong because the image shows something else. Let me look again and correct it.",
    "Wait, that is not right. I should check the numbers, the colors, the shapes and the sizes once more.",
    "The caption describes the image correctly. The pattern is correct. The deduction follows from the pattern.",
    "The caption, the pattern or the deduction is not correct. Explain the mistake and then try again.",
    "Look at the image and answer the question step by step. Think about what you see first.",
    "user\nassistant\nsystem\n",
]  # fmt: skip


def corpus(puzzles_per_kind=150):
    """Texts of puzzles that training never sees again as pictures, each with its prompt, and later turns."""
    yield from chain.from_iterable([text] * 200 for text in LATER)
    for kind in KINDS + NEGATIVE_KINDS:
        for seed in range(puzzles_per_kind):
            puzzle = generate(kind, seed)
            yield f"user\n{puzzle.prompt}"
            yield f"assistant\n{puzzle.chain}"


def train():
    """The tokenizer. It is cut into words as SmolLM2's is: digits apart, then GPT-2's pattern."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE,
        special_tokens=SPECIAL,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    return wrapped(tokenizer)


def wrapped(tokenizer):
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=PAD,
        chat_template=TEMPLATE,
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
        padding_side="left",
    )


def load(path):
    """A tokenizer from its `tokenizer.json`."""
    return wrapped(Tokenizer.from_file(str(path)))


if __name__ == "__main__":
    made = train()
    made.save_pretrained(sys.argv[1])
    print(f"{len(made)} tokens in {sys.argv[1]}")
