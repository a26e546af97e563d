import itertools

import pytest

from client_sdk.protocol.errors import CheckpointError, PolicyError
from client_sdk.protocol.keys import Algorithm, PrivateKey
from client_sdk.protocol.tlog.cosignatures import CosignatureKey
from client_sdk.protocol.tlog.notes import Note, NoteSignature, NoteSigner, format_vkey, sign_note
from client_sdk.protocol.tlog.policies import Policy

BODY = "log.example/court\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
LOG = NoteSigner("log.example/court", PrivateKey.generate(Algorithm.ED25519))
NEXT = NoteSigner("log.example/court", PrivateKey.generate(Algorithm.ED25519))
WITNESSES = {
    name: CosignatureKey(f"{name}.example", PrivateKey.generate(Algorithm.ED25519))
    for name in ("X1", "X2", "X3", "Y1", "Y2", "Y3")
}
LOG_LINE = f"log {format_vkey(LOG.verifier_key)}\n"
LINES = {
    name: f"witness {name} {format_vkey(key.verifier_key)}\n" for name, key in WITNESSES.items()
}
# The example of c2sp.org/tlog-policy with keys.
EXAMPLE = f"""
{LOG_LINE}
{LINES["X1"]}{LINES["X2"]}{LINES["X3"]}group X-witnesses 2 X1 X2 X3

{LINES["Y1"]}{LINES["Y2"]}{LINES["Y3"]}group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def note_by(*names: str, signers: tuple[NoteSigner, ...] = (LOG,), body: str = BODY) -> Note:
    lines = [WITNESSES[name].cosign(body, 1000 + at) for at, name in enumerate(names)]
    return sign_note(body, signers).with_signatures(lines)


@pytest.mark.parametrize(
    ("names", "met"),
    [
        (["X1", "X2", "Y1"], True),
        (["X1", "X3", "Y3"], True),
        (["X1", "X2", "X3", "Y1", "Y2", "Y3"], True),
        (["X1", "X2", "X3"], False),
        (["X1", "Y1", "Y2", "Y3"], False),
        (["Y1"], False),
        ([], False),
    ],
)
def test_the_example_of_the_specification(names: list[str], met: bool) -> None:
    verdict = Policy.parse(EXAMPLE).judge(note_by(*names))
    assert verdict.log_ok
    assert verdict.quorum_met is met
    assert verdict.accepted is met
    assert verdict.cosigned == {name: 1000 + at for at, name in enumerate(names)}
    assert (verdict.checkpoint.origin, verdict.checkpoint.size) == ("log.example/court", 7)


def test_the_parts_of_a_policy() -> None:
    policy = Policy.parse(EXAMPLE.encode())
    assert [log.vkey for log in policy.logs] == [LOG.verifier_key]
    assert [witness.name for witness in policy.witnesses] == list(WITNESSES)
    assert [(g.name, g.threshold, g.members) for g in policy.groups] == [
        ("X-witnesses", 2, ("X1", "X2", "X3")),
        ("Y-witnesses", 1, ("Y1", "Y2", "Y3")),
        ("X-and-Y", 2, ("X-witnesses", "Y-witnesses")),
    ]
    assert policy.quorum == "X-and-Y"


def test_white_space_comments_and_urls() -> None:
    vkey = format_vkey(WITNESSES["X1"].verifier_key)
    policy = Policy.parse(
        f" \t# 监督\n\t log\t{format_vkey(LOG.verifier_key)}  https://log.example/ \n\n"
        f"#quorum none\nwitness 上级法院 {vkey} https://w.example/\t\nquorum \t 上级法院 \n"
    )
    assert policy.logs[0].url == "https://log.example/"
    assert policy.witnesses[0].url == "https://w.example/"
    assert policy.judge(note_by("X1")).cosigned == {"上级法院": 1000}
    assert policy.judge(note_by("X1")).accepted
    assert not policy.judge(note_by("X2")).quorum_met


def test_no_quorum_and_no_log() -> None:
    policy = Policy.parse("quorum none\n")
    verdict = policy.judge(note_by())
    assert (verdict.log_ok, verdict.quorum_met, verdict.accepted) == (False, True, False)
    assert Policy.parse(f"{LOG_LINE}quorum none\n").judge(note_by()).accepted


def test_names_are_octets() -> None:
    vkeys = [format_vkey(WITNESSES[name].verifier_key) for name in ("X1", "X2")]
    text = f"{LOG_LINE}witness K {vkeys[0]}\nwitness \u212a {vkeys[1]}\nquorum \u212a\n"
    assert not Policy.parse(text).judge(note_by("X1")).quorum_met
    assert Policy.parse(text).judge(note_by("X2")).quorum_met
    raw = text.encode().replace("\u212a".encode(), b"\xff")
    assert Policy.parse(raw).judge(note_by("X2")).quorum_met
    with pytest.raises(PolicyError):
        Policy.parse(raw.replace(b"quorum \xff", b"quorum \xfe"))


def test_a_rotating_log_is_accepted_by_either_key() -> None:
    policy = Policy.parse(f"{LOG_LINE}log {format_vkey(NEXT.verifier_key)}\nquorum none\n")
    for signers in ((LOG,), (NEXT,), (LOG, NEXT)):
        assert policy.judge(note_by(signers=signers)).accepted


def test_tamper_checkpoint_of_another_origin_or_key() -> None:
    policy = Policy.parse(f"{LOG_LINE}quorum none\n")
    assert not policy.judge(note_by(signers=(NEXT,))).log_ok
    assert not policy.judge(note_by(body=BODY.replace("court", "other"))).log_ok
    with pytest.raises(CheckpointError):
        policy.judge(sign_note("not a checkpoint\n", [LOG]))


def test_tamper_one_bad_line_of_a_known_key_spoils_the_note() -> None:
    policy = Policy.parse(EXAMPLE)
    good = note_by("X1", "X2", "Y1")
    last = NoteSignature(WITNESSES["Y2"].name, WITNESSES["Y2"].verifier_key.key_id, bytes(72))
    verdict = policy.judge(good.with_signatures([last]))
    assert verdict.refused == ("Y2",)
    assert verdict.log_ok
    assert not verdict.quorum_met
    head, *lines = good.signatures
    forged = NoteSignature(head.name, head.key_id, bytes(64))
    verdict = policy.judge(Note(BODY, (forged, *lines)))
    assert verdict.refused == ("log.example/court",)
    assert (verdict.log_ok, verdict.accepted) == (False, False)
    stranger = NoteSignature("stranger.example", b"1234", bytes(72))
    assert policy.judge(good.with_signatures([stranger])).accepted


def test_tamper_stripped_cosignatures() -> None:
    note = note_by("X1", "X2", "Y1")
    policy = Policy.parse(EXAMPLE)
    for at in range(1, 4):
        kept = note.signatures[:at] + note.signatures[at + 1 :]
        assert not policy.judge(Note(BODY, kept)).quorum_met


X1, X2, X3 = LINES["X1"], LINES["X2"], LINES["X3"]
SAME_KEY = format_vkey(CosignatureKey("renamed.example", WITNESSES["X1"].key).verifier_key)
SAME_LOG = format_vkey(NoteSigner("renamed.example", LOG._key).verifier_key)
LOG_VKEY = format_vkey(LOG.verifier_key)
X1_VKEY = format_vkey(WITNESSES["X1"].verifier_key)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "policy-line"),
        ("\n", "policy-quorum"),
        ("quorum none", "policy-line"),
        ("quorum none\r\n", "policy-control"),
        ("quorum none\n\0", "policy-control"),
        ("# \x7f\nquorum none\n", "policy-control"),
        ("quorum none\x0b\n", "policy-control"),
        (LOG_LINE, "policy-quorum"),
        ("quorum\n", "policy-quorum"),
        ("quorum none none\n", "policy-quorum"),
        ("quorum none\nquorum none\n", "policy-quorum"),
        ("quorum X1\n" + X1, "policy-unknown"),
        ("quorum None\n", "policy-unknown"),
        ("Quorum none\n", "policy-line"),
        ("quorum\u3000none\n", "policy-line"),
        ("observe x\nquorum none\n", "policy-line"),
        ("log\nquorum none\n", "policy-line"),
        (f"log {LOG_VKEY} url more\nquorum none\n", "policy-line"),
        (f"log {X1_VKEY}\nquorum none\n", "key-type"),
        (f"log {LOG_VKEY}x\nquorum none\n", "vkey"),
        (LOG_LINE + LOG_LINE + "quorum none\n", "policy-duplicate"),
        (LOG_LINE + f"log {SAME_LOG}\nquorum none\n", "policy-duplicate"),
        ("witness\nquorum none\n", "policy-name"),
        ("witness X1\nquorum none\n", "policy-line"),
        (f"witness X1 {LOG_VKEY}\nquorum none\n", "key-type"),
        (f"witness none {X1_VKEY}\nquorum none\n", "policy-name"),
        (X1 + X2.replace("X2", "X1", 1) + "quorum none\n", "policy-name"),
        (X1 + f"witness again {SAME_KEY}\nquorum X1\n", "policy-duplicate"),
        (X1 + "group\nquorum X1\n", "policy-group"),
        (X1 + "group g\nquorum X1\n", "policy-group"),
        (X1 + "group g all\nquorum g\n", "policy-group"),
        (X1 + "group g 0 X1\nquorum g\n", "policy-group"),
        (X1 + "group g 2 X1\nquorum g\n", "policy-group"),
        (X1 + "group g 01 X1\nquorum g\n", "policy-group"),
        (X1 + "group g +1 X1\nquorum g\n", "policy-group"),
        (X1 + "group g most X1\nquorum g\n", "policy-group"),
        (X1 + "group g any X1 X1\nquorum g\n", "policy-group"),
        (X1 + "group g any X2\n" + X2 + "quorum g\n", "policy-unknown"),
        (X1 + "group g any none\nquorum g\n", "policy-unknown"),
        (X1 + "group g any g\nquorum g\n", "policy-unknown"),
        (X1 + "group X1 any X1\nquorum X1\n", "policy-name"),
        (X1 + "group none any X1\nquorum none\n", "policy-name"),
        (X1 + X2 + "group a any X1\ngroup b all X1 X2\nquorum b\n", "policy-group"),
        (X1 + "group a any X1\ngroup b any a\ngroup c any a\nquorum c\n", "policy-group"),
        ("#\n" * 5000 + "quorum none\n", "policy-length"),
        ("#" * (1 << 20) + "\nquorum none\n", "policy-length"),
    ],
    ids=itertools.count(),  # the keys are new in each process
)
def test_malformed_policies_are_refused(text: str, code: str) -> None:
    for form in (text, text.encode()):
        with pytest.raises(PolicyError) as caught:
            Policy.parse(form)
        assert caught.value.code == code


def test_the_error_names_the_line() -> None:
    with pytest.raises(PolicyError, match="line 3: "):
        Policy.parse(f"{LOG_LINE}# note\nquorum X\n")


def test_the_limits_are_above_those_of_the_specification() -> None:
    logs, witnesses, groups = [], [], []
    for at in range(40):
        log = NoteSigner(f"log{at}.example", PrivateKey.generate(Algorithm.ED25519))
        key = CosignatureKey(f"w{at}.example", PrivateKey.generate(Algorithm.ED25519))
        logs.append(f"log {format_vkey(log.verifier_key)}\n")
        witnesses.append(f"witness w{at} {format_vkey(key.verifier_key)}\n")
        groups.append(f"group g{at} any w{at}\n")
    policy = Policy.parse("".join([*logs, *witnesses, *groups, "quorum g39\n"]))
    assert (len(policy.logs), len(policy.witnesses), len(policy.groups)) == (40, 40, 40)
    assert policy.met_by(["w39"])
    assert not policy.met_by(["w38", "g39", "unknown"])
