#!/usr/bin/env python3
"""Runs emllm-bench and llama.cpp in turns on one model, and prints medians and ratios as a Markdown table.

    compare_llama_cpp.py BENCH MODEL.emllm MODEL.gguf [--rounds 5] [--threads 2]

Run it with a Python that has llama-cpp-python (0.3.36 was used for the README), built on this machine, so that it has this
machine's instructions. Both engines get the same number of threads, prompt and generation lengths; every round runs one and
then the other, each in a process of its own, so that what disturbs the machine disturbs both.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

PROMPT, GENERATED, BRANCHES = 512, 128, 4


def measure_llama(path, threads):
    """Tokens per second of llama.cpp, one run of each test after one to warm up."""
    import llama_cpp as llama

    quiet = llama.llama_log_callback(lambda *_: None)
    llama.llama_log_set(quiet, None)
    llama.llama_backend_init()
    model = llama.llama_model_load_from_file(path.encode(), llama.llama_model_default_params())
    parameters = llama.llama_context_default_params()
    parameters.n_ctx = 2048
    parameters.n_batch = parameters.n_ubatch = PROMPT
    parameters.n_threads = parameters.n_threads_batch = threads
    parameters.n_seq_max = BRANCHES
    if hasattr(parameters, "kv_unified"):
        parameters.kv_unified = True
    context = llama.llama_init_from_model(model, parameters)
    memory = llama.llama_get_memory(context)
    batch = llama.llama_batch_init(PROMPT, 0, 1)

    def decode(entries):
        for index, (token, position, sequence, wants_logits) in enumerate(entries):
            batch.token[index] = token
            batch.pos[index] = position
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = sequence
            batch.logits[index] = wants_logits
        batch.n_tokens = len(entries)
        assert llama.llama_decode(context, batch) == 0
        llama.llama_synchronize(context)

    def timed(tokens, body):
        rates = []
        for _ in range(2):
            llama.llama_memory_clear(memory, True)
            start = time.perf_counter()
            body()
            rates.append(tokens / (time.perf_counter() - start))
        return rates[-1]

    def prompt():
        decode([(100 + i, i, 0, i == PROMPT - 1) for i in range(PROMPT)])

    def generate(branches):
        for i in range(GENERATED):
            decode([(100 + i + branch, i, branch, 1) for branch in range(branches)])

    return {
        f"pp{PROMPT}": timed(PROMPT, prompt),
        f"tg{GENERATED}": timed(GENERATED, lambda: generate(1)),
        f"tg{GENERATED}x{BRANCHES}": timed(GENERATED * BRANCHES, lambda: generate(BRANCHES)),
    }


def measure_emllm(bench, path, threads):
    command = [bench, "llm", "--model", path, "--threads", str(threads), "--json", "-r", "1"]
    command += ["-p", str(PROMPT), "-n", str(GENERATED), "--branches", str(BRANCHES)]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return {row["test"]: row["tokens_per_second"] for row in report["results"]}, report["machine"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", help="the emllm-bench to run")
    parser.add_argument("emllm", help="the model as .emllm")
    parser.add_argument("gguf", help="the same model as GGUF")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure_llama(options.gguf, options.threads)))
        return
    ours, theirs = [], []
    for number in range(options.rounds):
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
        result, machine = measure_emllm(options.bench, options.emllm, options.threads)
        ours.append(result)
        child = [sys.executable, __file__, options.bench, options.emllm, options.gguf, "--threads", str(options.threads)]
        output = subprocess.run(child + ["--child"], check=True, stdout=subprocess.PIPE).stdout
        theirs.append(json.loads(output))
    print(f"{machine['cpu']}, {options.threads} threads, {machine['isa']} kernels\n")
    print("| test | EMLLM tokens/s | llama.cpp tokens/s | ratio, median of rounds |\n|---|---:|---:|---:|")
    for test in theirs[0]:
        a, b = [r[test] for r in ours], [r[test] for r in theirs]
        ratio = statistics.median(x / y for x, y in zip(a, b))
        print(f"| {test} | {statistics.median(a):.0f} | {statistics.median(b):.0f} | {ratio:.1f} |")


main()
