"""Tamper cases of the log: entries, proofs, checkpoint, witnesses, tokens, earlier checkpoints."""

from __future__ import annotations

from client_sdk.protocol import jcs
from client_sdk.protocol.keys import Algorithm, PrivateKey
from client_sdk.protocol.tlog.checkpoints import Checkpoint
from client_sdk.protocol.tlog.merkle import MemoryTree
from client_sdk.protocol.tlog.notes import NoteSigner, parse_note, sign_note
from client_sdk.protocol.tlog.proofs import TlogProof, parse_proof
from client_sdk.protocol.verdicts import Reason as R  # noqa: N817 - as in the verifier's words
from client_sdk.protocol.verdicts import Verdict
from tests.factories.dossiers import Package, build_log, sign_log
from tests.factories.scenes import policy_text
from tests.factories.tamper_kit import (
    Kit,
    Made,
    Register,
    bent_line,
    done,
    forged,
    index_of,
    without_lines,
)
from tests.factories.worlds import ORIGIN

V = Verdict
case = Register()


def with_note(package: Package, text: str) -> Package:
    """Another checkpoint note, in the proof file too; the bag sealed anew."""
    for path, data in package.files.items():
        if path.endswith(".tlog-proof"):
            proof = parse_proof(data)
            moved = TlogProof(proof.index, proof.proof, parse_note(text))
            package.files[path] = moved.to_text().encode()
    package.files["proof/checkpoint"] = text.encode()
    return package.reseal()


@case("14", "the indexes of two entries swapped", V.FAILED, R.INCLUSION)
def indexes_swapped(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    lines = package.lines()
    lines[5] |= {"i": lines[6]["i"]}
    lines[6] |= {"i": lines[6]["i"] - 1}
    return done(scene, package.put_lines(lines))


@case("14_time", "the receipt time of a stub edited", V.FAILED, R.INCLUSION)
def received_edited(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    index = index_of(scene, scene.stub)
    leaf = dict(jcs.loads_object(build_log(scene.world, scene.world.sealed).leaves[index]))
    leaf["rx"] = "2026-03-02T01:00:01.000Z"
    return done(scene, bent_line(package, index, leaf=jcs.dumps(leaf)))


@case("15", "an entry a second time", V.FAILED, R.ENTRY_ORDER)
def twice(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    lines = package.lines()
    return done(scene, package.put_lines([*lines, lines[3]]))


@case("16", "an entry a second time under an index in between", V.FAILED, R.INCLUSION)
def twice_within(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    lines = package.lines()
    free = next(
        index for index in range(len(scene.world.sealed)) if all(li["i"] != index for li in lines)
    )
    lines.append(lines[3] | {"i": free})
    return done(scene, package.put_lines(sorted(lines, key=lambda line: int(line["i"]))))


@case("16_event", "log key and witnesses: a view that was logged twice", V.FAILED, R.EVENT_REPEATED)
def event_replayed(kit: Kit) -> Made:
    scene = kit.scene()
    if scene.viewed is not None:
        scene.world.sealed.append(scene.viewed)
    return done(scene)


@case("17", "a JSON key twice", V.FAILED, R.ENTRY_CANONICAL)
def key_twice(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    data = package.files["data/entries.jsonl"]
    package.files["data/entries.jsonl"] = data.replace(b'{"i":', b'{"i":1,"i":', 1)
    return done(scene, package.reseal())


@case("18", "JSON that is not canonical", V.FAILED, R.ENTRY_CANONICAL)
def not_canonical(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    data = package.files["data/entries.jsonl"]
    package.files["data/entries.jsonl"] = data.replace(b'{"i":', b'{"i": ', 1)
    return done(scene, package.reseal())


@case("19", "another tree size", V.FAILED, R.CHECKPOINT_SIGNATURE, R.COSIGNATURE)
def size_changed(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    text = package.files["proof/checkpoint"].decode()
    lines = text.split("\n")
    lines[1] = str(int(lines[1]) + 1)
    return done(scene, with_note(package, "\n".join(lines)))


@case("20", "the cosignatures stripped", V.FAILED, R.QUORUM)
def stripped(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    note = parse_note(package.files["proof/checkpoint"])
    bare = type(note)(note.text, note.signatures[:1])
    return done(scene, with_note(package, bare.to_text()))


@case("20_log", "the log's signature stripped", V.FAILED, R.CHECKPOINT_SIGNATURE)
def log_stripped(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    note = parse_note(package.files["proof/checkpoint"])
    return done(scene, with_note(package, type(note)(note.text, note.signatures[1:]).to_text()))


@case("21", "a cosignature's time changed", V.FAILED, R.COSIGNATURE)
def backdated(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    note = parse_note(package.files["proof/checkpoint"])
    first = note.signatures[1]
    earlier = (int.from_bytes(first.signature[:8]) - 86_400).to_bytes(8) + first.signature[8:]
    line = type(first)(first.name, first.key_id, earlier)
    bent = type(note)(note.text, (note.signatures[0], line, *note.signatures[2:]))
    return done(scene, with_note(package, bent.to_text()))


@case("21_witness", "witnesses sign with yesterday's time", V.FAILED, R.TIME_ORDER)
def witnesses_backdate(kit: Kit) -> Made:
    scene = kit.scene()
    at = int(scene.world.now.timestamp()) - 86_400
    return done(scene, scene.export(cosigned_at=at))


@case("21_trust", "everything before what the trust file allows", V.FAILED, R.TIME_BEFORE_TRUST)
def before_trust(kit: Kit) -> Made:
    scene = kit.scene()
    return done(scene, not_before="2026-09-01T00:00:00.000Z")


@case("22", "an extension line", V.FAILED, R.CHECKPOINT_EXTENSION, R.CHECKPOINT_SIGNATURE)
def extension(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    text = package.files["proof/checkpoint"].decode()
    return done(scene, with_note(package, text.replace("\n\n", "\nextension\n\n", 1)))


@case("22_signed", "an extension line, signed by all", V.FAILED, R.CHECKPOINT_EXTENSION)
def extension_signed(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export(authorities=())
    note = parse_note(package.files["proof/checkpoint"])
    body = note.text + "extension\n"
    at = int(scene.world.now.timestamp()) + 30
    lines = [witness.cosign(body, at) for witness in scene.world.witnesses]
    text = sign_note(body, [scene.world.log]).with_signatures(lines).to_text()
    return done(scene, with_note(package, text))


@case("26", "an entry of another log", V.FAILED, R.INCLUSION)
def other_log(kit: Kit) -> Made:
    scene, other = kit.scene(), kit.scene()
    package = scene.export()
    line = other.export().lines()[4]
    changed = {name: line[name] for name in ("leaf", "path", "pl", "salt") if name in line}
    return done(scene, bent_line(package, line["i"], **changed))


@case("27", "the same keys under another origin", V.FAILED, R.CHECKPOINT_ORIGIN)
def origin_swapped(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export(authorities=())
    log = build_log(scene.world, scene.world.sealed)
    note = sign_log(scene.world, log, origin=ORIGIN + "-2")
    return done(scene, with_note(package, note.to_text()))


@case("28", "a log and a policy of one's own", V.FAILED, R.CHECKPOINT_SIGNATURE, R.QUORUM)
def own_log(kit: Kit) -> Made:
    return Made(kit.scene().export(), kit.scene().trust_bytes())


@case("29", "the database edited, the tree built anew", V.FAILED, R.INCLUSION, R.SIGNATURE)
def database_edited(kit: Kit) -> Made:
    scene = kit.scene()
    genuine = sign_log(scene.world, build_log(scene.world, scene.world.sealed))
    if scene.note is not None:
        forged(scene.note, text="改写（虚构）")
    package = scene.export(authorities=())
    return done(scene, with_note(package, genuine.to_text()))


@case("29_event", "an event under a key of one's own", V.FAILED, R.EVENT_KEY_UNKNOWN)
def event_forged(kit: Kit) -> Made:
    scene = kit.scene()
    genuine, scene.world.event_key = scene.world.event_key, PrivateKey.generate(Algorithm.ED25519)
    scene.world.event("case.changed", ("case", scene.world.case_id))
    scene.world.event_key = genuine
    return done(scene)


@case("29_retired", "an event under a retired key", V.FAILED, R.EVENT_KEY_RETIRED)
def event_retired(kit: Kit) -> Made:
    scene = kit.bare()
    world = scene.world
    old = world.event_key
    world.rotate_event_key()
    facts = {"kid": old.public.thumbprint, "purpose": "event"}
    world.event("key.retired", ("key", facts["kid"]), facts, case=None)
    newer, world.event_key = world.event_key, old
    world.event("case.changed", ("case", world.case_id))
    world.event_key = newer
    return done(scene, scene.export(priors=()))


@case("30", "a row deleted, the tree built anew", V.FAILED, R.INCLUSION)
def database_deleted(kit: Kit) -> Made:
    scene = kit.scene()
    genuine = sign_log(scene.world, build_log(scene.world, scene.world.sealed))
    scene.world.sealed.remove(scene.photos[1])
    package = scene.export(authorities=())
    return done(scene, with_note(package, genuine.to_text()))


@case("31", "log key, no witness", V.FAILED, R.QUORUM)
def no_witness(kit: Kit) -> Made:
    scene = kit.scene()
    scene.world.sealed.remove(scene.viewed)  # type: ignore[arg-type]  # it is there
    return done(scene, scene.export(witnesses=()))


@case("32", "log key, one witness", V.FAILED, R.QUORUM)
def one_witness(kit: Kit) -> Made:
    scene = kit.scene()
    scene.world.sealed.remove(scene.viewed)  # type: ignore[arg-type]  # it is there
    return done(scene, scene.export(witnesses=(1,)))


@case("42_proof", "the export's proof file left out", V.INCOMPLETE, R.PROOF_MISSING)
def no_proof(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    path = next(path for path in package.files if path.endswith(".tlog-proof"))
    del package.files[path]
    return done(scene, package.reseal())


@case("42_other", "a proof file that proves another entry", V.FAILED, R.PROOF_FORM)
def other_proof(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    path = next(path for path in package.files if path.endswith(".tlog-proof"))
    text = package.files[path].decode()
    number = path.removeprefix("proof/").removesuffix(".tlog-proof")
    package.files[path] = text.replace(f"index {number}\n", "index 2\n").encode()
    return done(scene, package.reseal())


@case("64", "a kept checkpoint that the log contradicts", V.FAILED, R.PRIOR_INCONSISTENT)
def fork(kit: Kit) -> Made:
    scene = kit.scene()
    kept = sign_log(scene.world, build_log(scene.world, scene.world.sealed), size=scene.prior)
    scene.world.sealed[1], scene.world.sealed[2] = scene.world.sealed[2], scene.world.sealed[1]
    return Made(scene.export(), scene.trust_bytes(), (kept.to_text().encode(),))


@case("64_kept", "a kept checkpoint that the log extends", V.VERIFIED)
def kept_prior(kit: Kit) -> Made:
    scene = kit.scene()
    kept = sign_log(scene.world, build_log(scene.world, scene.world.sealed), size=scene.prior)
    return Made(scene.export(), scene.trust_bytes(), (kept.to_text().encode(),))


@case("64_unproven", "a kept checkpoint that nothing is said of", V.INCOMPLETE, R.PRIOR_UNPROVEN)
def unproven(kit: Kit) -> Made:
    scene = kit.scene()
    kept = sign_log(scene.world, build_log(scene.world, scene.world.sealed), size=5)
    return Made(scene.export(), scene.trust_bytes(), (kept.to_text().encode(),))


@case("64_inside", "an earlier checkpoint of a fork inside", V.FAILED, R.PRIOR_INCONSISTENT)
def fork_inside(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export(cited=False)
    tree = MemoryTree(bytes([number]) * 32 for number in range(scene.prior))
    body = Checkpoint(ORIGIN, scene.prior, tree.root()).body()
    path = f"proof/prior/{scene.prior}.checkpoint"
    package.files[path] = sign_note(body, [scene.world.log]).to_text().encode()
    return done(scene, package.reseal())


@case("64_foreign", "an earlier checkpoint of another log", V.FAILED, R.PRIOR_SIGNATURE)
def prior_foreign(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export(cited=False)
    path = f"proof/prior/{scene.prior}.checkpoint"
    text = parse_note(package.files[path]).text
    signer = NoteSigner(ORIGIN, PrivateKey.generate(Algorithm.ED25519))
    package.files[path] = sign_note(text, [signer]).to_text().encode()
    return done(scene, package.reseal())


@case("64_cut", "the earlier checkpoint without its proof", V.FAILED, R.PRIOR_FORM)
def prior_cut(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export(cited=False)
    del package.files[f"proof/prior/{scene.prior}.consistency"]
    return done(scene, package.reseal())


@case("42", "the export's entry left out", V.INCOMPLETE, R.STATEMENT_MISSING)
def no_statement(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    path = next(path for path in package.files if path.endswith(".tlog-proof"))
    del package.files[path]
    last = package.lines()[-1]["i"]
    return done(scene, without_lines(package, lambda line: bool(line["i"] == last)))


@case("18_form", "an entry that lacks a member", V.FAILED, R.ENTRY_FORM)
def member_missing(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    lines = package.lines()
    del lines[4]["path"]
    return done(scene, package.put_lines(lines))


@case("19_form", "a checkpoint that is none", V.FAILED, R.CHECKPOINT_FORM)
def no_checkpoint(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    package.files["proof/checkpoint"] = b"nothing\n"
    return done(scene, package.reseal())


@case("20_none", "a policy that asks for no witness", V.FINDINGS, R.QUORUM_UNPINNED)
def policy_none(kit: Kit) -> Made:
    scene = kit.scene()
    policy = policy_text(scene.world).splitlines(keepends=True)
    return done(scene, policy=policy[0] + "quorum none\n")


@case("21_event", "server key: an event backdated behind a witnessed log", V.FINDINGS, R.EVENT_LATE)
def event_backdated(kit: Kit) -> Made:
    scene = kit.scene()
    made = scene.world.event("custody.viewed", ("evidence", scene.items[0]), {})
    made.rx = "2026-03-01T00:00:00.000Z"
    return done(scene)
