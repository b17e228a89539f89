#!/usr/bin/env python3
"""Writes the fixture of Tests/EvaluationTests/PublishedRuleTests.swift: what the benchmarks' own scripts make of outputs.

    pip install latex2sympy2==1.9.1 Levenshtein "pandas<3" pydantic tqdm
    python3 scoring_fixtures.py SCRIPTS OUTPUT.json

SCRIPTS is a folder with the published files, which are not part of this package:

    mathvista/calculate_score.py mathvista/extract_answer.py   lupantech/MathVista, evaluation/
    mathv/evaluate.py mathv/utils.py                           mathllm/MATH-V, evaluation/
    wemath/four_dimensional_metrics.py                         We-Math/We-Math, evaluation/
    puzzlevqa/prompting.py                                     declare-lab/LLM-PuzzleTest, PuzzleVQA/

The functions that read and score are enough, and the fixture was made with those alone, transcribed, We-Math's repeated
conditions as a loop: the whole files also import packages that have no part in scoring.

The answer that a decoder states stands in for the language model that MathVista's script asks to extract it. Made with
Python 3.11.7, latex2sympy2 1.9.1, pandas 2.3.3, Levenshtein 0.27.5.
"""

import contextlib
import importlib.util
import io
import json
import os
import random
import sys
import tempfile
import types
from pathlib import Path

COLOURS = ["red", "blue", "green", "yellow"]
ANGLES = ["135°", "140°", "145°", "150°"]

# Question type, answer type, choices, right answer, stated answer, response.
MATH_VISTA = [
    ("multi_choice", "text", ANGLES, "145°", stated, response)
    for stated, response in [
        ("C", "So C."), ("(C)", "x"), ("(c) 145°", "x"), ("c", "x"), ("C.", "x"), ("C. 145°", "x"), ("145°", "145°"),
        ("145", "x"), ("145 degrees", "x"), ("", ""), ("", "no idea"), ("(E)", "x"), ("(B) or (C)", "x"), (" C ", "x"),
        ("The angle is 145°", "x"), ("x", 'The answer is "145°".'), ("x", 'The answer is "A". The answer is "C".'),
    ]
] + [
    ("multi_choice", "text", ["No", "Yes"], "Yes", "", ""),
    ("multi_choice", "text", ["97", "102", "107", "122"], "97", "92.5", "x"),
    ("multi_choice", "text", COLOURS, "blue", "B.", "x"),
    ("multi_choice", "text", COLOURS, "blue", "blu", "x"),
    ("multi_choice", "text", ["ab", "cd", "ef"], "ab", "xy", "x"),
] + [
    ("free_form", "integer", None, "1000", stated, response)
    for stated, response in [
        ("1000", "x"), ("x", "1000"), ("x", " 1_000 "), ("1000.9", "x"), ("1,000", "x"), ("$1000", "x"), ("1e3", "x"),
        ("inf", "x"), ("1000 g", "x"), ("", ""), ("x", "-0"), ("1e30", "x"), ("x", "1000.0"), ("-0.5", "x"),
    ]
] + [
    ("free_form", "float", None, "1.2", stated, response)
    for stated, response in [("1.2", "x"), ("x", "1.2"), ("1.20", "x"), ("1.24", "x"), ("x", "nan"), ("x", "1e16")]
] + [
    ("free_form", "list", None, "[2007, 2008]", stated, "x")
    for stated in ["[2007, 2008]", "[2007,2008]", "2007, 2008"]
]

# Options, right answer, response.
MATH_V = [
    (["A", "B", "C", "D", "E"], "B", response)
    for response in [
        "B", "(B)", "B.", "The answer is B.", "the answer is (B)", "So the final answer is B", r"\boxed{B}", r"\boxed{\text{B}}",
        r"First \boxed{A}, no: \boxed{B}", "B\nbecause", "It must be B.", "It must be (B).", "I think B is right", "",
        "The answer is B because of it.", "The correct answer is option B.", "**B**", r"\boxed{(B)}", r"$\boxed{B}$", "b",
        "In short, the answer should be B. Yes.", r"\boxed{B }", "The answer is A. No, the answer is B.", "answer: B",
        "Look at triangle B.", r"\boxed{}", "(B) B\nsince",
    ]
] + [
    (["$10^{\\circ}$", "$15^{\\circ}$", "$20^{\\circ}$", "$25^{\\circ}$", "$30^{\\circ}$"], "B", response)
    for response in [r"\boxed{15^\circ}", r"\boxed{15}", "The answer is 15", r"\boxed{B}", "15°", "$15^{\\circ}$"]
] + [
    (["2 and 3", "1", "4", "5", "6"], "A", response) for response in ["2 and 3", "The answer is 2 and 3.", "A"]
] + [
    (["2", "3", "6", "1/2", "$\\frac{1}{2}$"], "E", response) for response in [r"\boxed{.5}", "1/2", "So D."]
] + [
    ([], answer, response)
    for answer, response in [
        ("6", "6"), ("6", "The answer is 6."), ("6", r"\boxed{6}"), ("6", r"\boxed{6.0}"), ("6", "x = 6"), ("6", r"\boxed{x=6}"),
        ("6", r"\boxed{\frac{12}{2}}"), ("6", r"\boxed{2\cdot3}"), ("6", r"\boxed{2\times3}"), ("6", r"\boxed{36^{0.5}}"),
        ("6", r"\boxed{\sqrt{36}}"), ("6", r"\boxed{\sqrt36}"), ("6", "There are 6 bricks."), ("6", "6 bricks"),
        ("6", r"\boxed{6\text{ cm}}"), ("6", r"\boxed{6\text{cm}}"), ("6", r"\boxed{6km}"), ("6", "5"), ("6", "It is 6"),
        ("0.5", r"\boxed{\frac12}"), ("0.5", r"\boxed{\frac{1}{2}}"), ("0.5", r"\boxed{1/2}"), ("0.5", r"\boxed{.5}"),
        ("50", r"\boxed{50\%}"), ("0.001", r"\boxed{0.004}"), ("0.001", "0.001"), ("3.33", r"\boxed{\frac{10}{3}}"),
        ("6.28", r"\boxed{2\pi}"), ("Sunday", r"\boxed{\text{Sunday}}"), ("Sunday", "sunday"), ("6", ""), ("6", "6\n\nsix"),
        ("6", "We get 1+5=6"), ("6", r"\boxed{\dfrac{12}{2}}"), ("(1,2)", r"\boxed{(1,2)}"), ("(1,2)", r"\boxed{(1, 2)}"),
        ("(1,2)", r"\boxed{(2,1)}"), ("6", r"\boxed{6"), ("6", r"\boxed{12-6}"), ("6", r"\boxed{2(1+2)}"), ("6", r"\boxed{-6}"),
        ("-6", r"\boxed{-6}"), ("1000", r"\boxed{1{,}000}"), ("6", "6x"), ("6", "The final answer is 6 apples"),
        ("6", r"\boxed{2^{3}-2}"), ("4", "The number is 4. So it is"), ("C", "C"), ("6", "x"), ("9", r"\boxed{3^2}"),
        ("0.5", "1:2"), ("1000", "The answer is 1,000"), ("(1,2)", r"\boxed{[1, 2]}"), ("1.5", "The correct answer is .5 because of it."),
    ]
]

# The right option is C.
WE_MATH = [
    "<Thought process>: <<two and two>> <Answer>: <<C>>", "Answer: C", "Answer: (C)", "The answer is C.", "C", "C. 4", "",
    "Answer: **C**", "Answer>: <<Option C>>", "Because of that", "Clearly it is B", "Answer: D", "answer: C", "Answer: c",
    "According to it the Answer is C", "Answer: C. Answer", "<<C>>", "Counting gives A",
]

PUZZLE_VQA = [
    (options, answer, response)
    for options, answer in [(["6", "3", "4", "2"], "4"), (["small", "medium", "large"], "small")]
    for response in [
        "(C) 4", "(A) no, (C)", "The answer is C", "The answer is 4", "(D)", "", "All of it", "a c", "(c)", "So C. By Dan",
        "The answer is small", "(E)", "Done", "(B) medium", "(A) small",
    ]
]

FLOATS = [
    "1", " 1.5 ", "1_000", "1__0", "_1", "1.", ".5", ".", "", "1e5", "1e400", "-1e-3", "inf", "-Infinity", "nan", "0x10", "1,000",
    "+2", "--2", "1e", "1 2", "+-1", "1_.5", "1._5", "1e1_0",
]
ROUNDED = [(1.25, 1), (1.35, 1), (2.675, 2), (0.5, 0), (1.5, 0), (2.5, 0), (-1.25, 1), (1e22, 2), (1e-5, 3), (1234.5678, 2)]
PAIRS = [("", ""), ("", "abc"), ("kitten", "sitting"), ("145°", "145 degrees"), ("flaw", "lawn"), ("😀a", "a😀"), ("B.", "blue")]


def module(path):
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def math_vista(folder):
    score, extract = module(folder / "calculate_score.py"), module(folder / "extract_answer.py")
    rows = []
    for question_type, answer_type, choices, answer, stated, response in MATH_VISTA:
        extract.get_chat_response = lambda *_, stated=stated: stated
        problem = dict(
            question_type=question_type, answer_type=answer_type, choices=choices or [], question="q", query="q", pid="1"
        )
        extraction = extract.extract_answer(response, problem, quick_extract=True)
        # The data set that scripts load has 1.0, not 1.
        prediction = score.normalize_extracted_answer(extraction, choices, question_type, answer_type, int(1.0))
        rows.append(
            dict(
                choices=choices or [], type=answer_type, answer=answer, stated=stated, response=response,
                extraction=extraction, prediction=prediction, correct=score.safe_equal(prediction, answer),
            )
        )
    return rows


def math_v(folder):
    with tempfile.TemporaryDirectory() as temporary:
        os.chdir(temporary)
        sys.path.insert(0, str(folder))
        problems = [dict(id=str(i), options=o, answer=a, level=1, subject="s") for i, (o, a, _) in enumerate(MATH_V)]
        outputs = [dict(id=str(i), response=r) for i, (_, _, r) in enumerate(MATH_V)]
        Path("data").mkdir()
        for path, rows in ("data/test.jsonl", problems), ("outputs.jsonl", outputs):
            Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        module(folder / "evaluate.py").evaluate("outputs.jsonl", True)
        scored = [json.loads(line) for line in Path("outputs.jsonl").read_text(encoding="utf-8").splitlines()]
        os.chdir("/")
    return [
        dict(choices=o, answer=a, response=r, modelAnswer=row["model_answer"], correct=row["correct"])
        for (o, a, r), row in zip(MATH_V, scored)
    ]


def we_math(folder):
    script = module(folder / "four_dimensional_metrics.py")
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "outputs.json"

        def load(rows):
            path.write_text(json.dumps(rows))
            return script.load_and_process_data(path)

        frame = load([dict(ID=str(i), key="2steps_1", answer="C", response=r) for i, r in enumerate(WE_MATH)])
        outputs = [
            dict(response=r, letter=letter, correct=bool(correct))
            for r, letter, correct in zip(WE_MATH, frame["processed_answer"], frame["joker"])
        ]
        rng = random.Random(20261121)
        diagnoses = []
        for dropped in 0.0, 0.2:
            rows = [
                dict(ID=f"{steps}steps_{i}", key=f"{steps}steps_{part}", answer="C", response=rng.choice(["C", "C", "D"]))
                for steps in (2, 3)
                for i in range(25)
                for part in [*range(1, steps + 1), "multi"]
            ]
            kept = [row for row in rows if rng.random() >= dropped]
            frame = load(kept)
            merged = [script.process_steps_data(frame[frame["key"].str.startswith(f"{n}steps")], n) for n in (2, 3)]
            counts, _ = script.compute_final_scores(script.calculate_metrics(*merged), 525)
            diagnoses.append(
                dict(
                    parts=[f"{row['ID']} {row['key']}" for row in rows],
                    outputs={f"{row['ID']} {row['key']}": row["response"] == "C" for row in kept},
                    counts={key: int(count) for key, count in counts.items()},
                )
            )
    return outputs, diagnoses


def puzzle_vqa(folder):
    class Sample:
        pass

    sys.modules["data_loading"] = types.SimpleNamespace(Sample=Sample)
    read = module(folder / "prompting.py").ChainThoughtMultiExtractPrompter.get_answer
    rows = []
    for options, answer, response in PUZZLE_VQA:
        prediction = read(response, options)
        rows.append(
            dict(
                choices=options, answer=answer, response=response, correct=prediction == answer,
                prediction=prediction if prediction in options else None,
            )
        )
    return rows


def python_numbers():
    from Levenshtein import distance

    def attempt(function, *arguments):
        try:
            return str(function(*arguments))
        except (ValueError, OverflowError):
            return None

    return dict(
        floats=[dict(text=t, float=attempt(float, t), truncated=attempt(lambda t: int(float(t)), t)) for t in FLOATS],
        rounded=[dict(value=v, places=p, rounded=round(v, p)) for v, p in ROUNDED],
        distances=[dict(first=a, second=b, distance=distance(a, b)) for a, b in PAIRS],
    )


def main():
    scripts, output = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    with contextlib.redirect_stdout(io.StringIO()):
        outputs, diagnoses = we_math(scripts / "wemath")
        fixture = dict(
            mathVista=math_vista(scripts / "mathvista"), mathV=math_v(scripts / "mathv"), weMath=outputs,
            weMathDiagnoses=diagnoses, puzzleVQA=puzzle_vqa(scripts / "puzzlevqa"), python=python_numbers(),
        )
    # A line per case.
    rows = json.dumps(fixture, ensure_ascii=False).replace("}, {", "},\n{").replace("}], ", "}],\n")
    output.write_text(rows + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
