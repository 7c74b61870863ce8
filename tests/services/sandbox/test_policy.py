"""The filter can be made here, and for the other machine we name."""

import sys

import pytest

from mulle.services.sandbox import policy
from mulle.services.sandbox.inside import PID_PLACE

pytestmark = pytest.mark.skipif(not policy.seccomp_filter()[0], reason="no libseccomp here")


def test_the_filter_is_a_program_of_the_kernel_that_names_its_own_process():
    program, why = policy.seccomp_filter()

    assert not why
    assert len(program) % 8 == 0
    assert PID_PLACE.to_bytes(4, sys.byteorder) in program


@pytest.mark.parametrize("machine", ["AARCH64", "X86_64"])
def test_the_rules_exist_on_other_machines_too(machine: str):
    import pyseccomp  # noqa: PLC0415  # Needs its C library, which the mark above asks for.

    program = policy._exported(policy._rules(pyseccomp, getattr(pyseccomp.Arch, machine)))

    assert len(program) > 100 * 8
    assert PID_PLACE.to_bytes(4, sys.byteorder) in program
