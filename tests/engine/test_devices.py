"""Devices: the best there is, never one there is not."""

import json
import platform
import subprocess
import sys

import pytest
import torch

from replearn.engine import devices

CPU = torch.device("cpu")


@pytest.fixture
def machine_with(monkeypatch):
    """Pretend to a machine with the accelerators that are named."""

    def pretend(*accelerators, cards=1):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in accelerators)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cards)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in accelerators)

    return pretend


@pytest.mark.parametrize(
    ("accelerators", "best"),
    [((), "cpu"), (("mps",), "cpu"), (("cuda",), "cuda"), (("cuda", "mps"), "cuda")],
)
def test_the_best_device_is_cuda_else_the_cpu(machine_with, accelerators, best):
    machine_with(*accelerators)
    assert devices.pick_device() == torch.device(best)
    assert devices.pick_device("cpu") == CPU
    assert devices.pick_device(CPU) == CPU


@pytest.mark.fault(
    "A device that this machine does not have",
    "`device='cuda'` without a card, a card of too high a number, a name that means nothing",
    "a ValueError lists the devices there are; the CPU is not taken instead",
)
@pytest.mark.parametrize(
    "device", ["cuda", "mps", "cuda:0", "xpu", "meta", "toaster", 3, [], "cpu:x"]
)
def test_a_device_that_is_not_there_is_refused(machine_with, device):
    machine_with()
    with pytest.raises(ValueError, match="device must be one of 'cpu' here, got"):
        devices.pick_device(device)


def test_a_card_that_is_not_there_is_refused(machine_with):
    machine_with("cuda", cards=2)
    assert devices.pick_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(ValueError, match="device must be one of 'cuda', 'cpu' here, got 'cuda:2'"):
        devices.pick_device("cuda:2")


@pytest.mark.parametrize(
    ("told", "has", "native"),
    [("AVX512", True, True), ("AVX512", False, False), ("AVX2", True, False)],
)
def test_bfloat16_is_used_only_where_the_processor_has_it(monkeypatch, told, has, native):
    """And where torch may use it."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: told)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has)
    with devices.autocast(CPU):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert devices.precision(CPU) == product.dtype
    assert product.dtype == (torch.bfloat16 if native else torch.float32)
    assert devices.machine(CPU)["precision"] == ("bfloat16" if native else "float32")
    assert not torch.is_autocast_enabled("cpu")


def test_other_devices_compute_in_full_precision():
    assert not devices.autocast(torch.device("mps"))._enabled


def test_the_machine_is_described_in_plain_words():
    facts = devices.machine(CPU)
    assert facts.keys() == {"device", "chip", "threads", "precision", "torch", "python"}
    assert facts["device"] == "cpu"
    assert facts["threads"] == torch.get_num_threads()
    assert facts["chip"]
    assert json.loads(json.dumps(facts)) == facts


# Counts the pages that the system has to find for ten tensors, one after the other, each larger
# than what glibc keeps by itself; and the bytes that the process holds.
MEMORY = """
import resource
import torch
from pathlib import Path
from replearn.engine.devices import memory_kept

LARGE = 64 * 2**20

def new_pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.zeros(LARGE, dtype=torch.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / LARGE

print(new_pages(), resident())
try:
    with memory_kept():
        new_pages()  # grows the heap
        print(new_pages(), resident())
        raise ValueError
except ValueError:
    print(resident())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that is told")
def test_memory_is_kept_for_the_next_tensor_and_given_back_at_the_end_even_by_an_error():
    command = [sys.executable, "-c", MEMORY]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    before, within, after = (tuple(map(float, line.split())) for line in done.stdout.splitlines())
    assert within[0] < before[0] / 10
    assert within[1] > before[1] + 0.5
    assert after[0] < before[1] + 0.5


def test_without_glibc_nothing_is_told_to_it(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(devices.ctypes, "CDLL", None)
    with devices.memory_kept():
        assert torch.ones(3).sum() == 3
