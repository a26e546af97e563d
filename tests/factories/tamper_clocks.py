"""Tamper cases of the devices' clocks and of what their records knew of the log."""

from __future__ import annotations

from client_sdk.protocol.verdicts import Reason as R  # noqa: N817 - as in the verifier's words
from client_sdk.protocol.verdicts import Verdict
from tests.factories.scenes import Scene
from tests.factories.tamper_kit import Kit, Made, Register, done

V = Verdict
case = Register()


@case("38", "a monotonic clock that runs backwards", V.FAILED, R.CLOCK_BACKWARDS)
def clock_backwards(kit: Kit) -> Made:
    scene = kit.scene()
    scene.tablet.boot_ms -= 3_600_000
    scene.tablet.record("log.note", text="时钟倒退（虚构）")
    return done(scene)


@case("38_step", "a wall clock that was set", V.FINDINGS, R.CLOCK_STEP)
def clock_step(kit: Kit) -> Made:
    scene = kit.scene()
    scene.tablet.boot_ms += 60_000
    scene.tablet.record("log.note", text="时钟跳变（虚构）")
    return done(scene)


@case("39", "a record that knew a later log", V.FAILED, R.BEACON_FUTURE)
def future(kit: Kit) -> Made:
    scene = kit.scene()
    _with_beacon(scene, 100_000, "0" * 64)
    return done(scene)


@case("39_root", "a record that knew another log", V.FAILED, R.BEACON_ROOT)
def other_root(kit: Kit) -> Made:
    scene = kit.scene()
    _with_beacon(scene, scene.prior, "0" * 64)
    return done(scene)


def _with_beacon(scene: Scene, size: int, root: str) -> None:
    device = scene.tablet
    plain = device.record("log.note", text="信标（虚构）")
    scene.world.sealed.remove(plain)
    device.seq, device.prev = plain.header["seq"] - 1, plain.header["prev"]
    payload = plain.payload
    payload["t"]["nb"] = {"size": size, "root": root}
    device.seal(payload, case=scene.world.case_id)
