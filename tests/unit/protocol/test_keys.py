import hashlib
import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client_sdk.protocol.encoding import b64url_decode, b64url_encode, is_sha256_hex
from client_sdk.protocol.errors import KeyFormatError, ProtocolError
from client_sdk.protocol.keys import Algorithm, PrivateKey, PublicKey

BOTH = pytest.mark.parametrize("alg", list(Algorithm))
_P = 2**255 - 19
_D = -121665 * pow(121666, _P - 2, _P) % _P


@BOTH
def test_sign_and_verify(alg: Algorithm) -> None:
    key = PrivateKey.generate(alg)
    signature = key.sign(b"message")
    assert len(signature) == 64
    assert key.public.verify(signature, b"message")
    assert not key.public.verify(signature, b"massage")
    assert not PrivateKey.generate(alg).public.verify(signature, b"message")


@BOTH
@settings(max_examples=64)
@given(bit=st.integers(0, 511))
def test_every_flipped_bit_of_a_signature_is_noticed(alg: Algorithm, bit: int) -> None:
    key = PrivateKey.generate(alg)
    signature = bytearray(key.sign(b"m"))
    signature[bit // 8] ^= 1 << bit % 8
    assert not key.public.verify(bytes(signature), b"m")


@BOTH
@given(data=st.binary(max_size=80))
def test_no_bytes_make_verification_raise(alg: Algorithm, data: bytes) -> None:
    assert not PrivateKey.generate(alg).public.verify(data, b"m")


@BOTH
def test_a_public_key_survives_its_jwk(alg: Algorithm) -> None:
    public = PrivateKey.generate(alg).public
    assert PublicKey.from_jwk(public.to_jwk()) == public
    extras = {"use": "sig", "alg": alg.jose, "kid": "1", "key_ops": ["verify"], "ext": True}
    assert PublicKey.from_jwk(public.to_jwk() | extras) == public


@BOTH
@pytest.mark.parametrize("passphrase", [None, "铁证".encode()])
def test_a_private_key_survives_its_pem(alg: Algorithm, passphrase: bytes | None) -> None:
    key = PrivateKey.generate(alg)
    again = PrivateKey.from_pem(key.to_pem(passphrase), passphrase)
    assert again.public == key.public
    if passphrase:
        with pytest.raises(KeyFormatError):
            PrivateKey.from_pem(key.to_pem(passphrase), b"other")
        with pytest.raises(KeyFormatError):
            PrivateKey.from_pem(key.to_pem(passphrase))


@BOTH
def test_a_key_does_not_show_itself(alg: Algorithm) -> None:
    assert "PrivateKey object" not in repr(PrivateKey.generate(alg))
    assert "_key" not in repr(PrivateKey.generate(alg))


def test_thumbprint_of_rfc_8037_appendix_a3() -> None:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert PublicKey.from_jwk(jwk).thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@BOTH
@pytest.mark.parametrize(
    "change",
    [
        {"d": "AAAA"},
        {"kty": "RSA"},
        {"crv": "P-384"},
        {"crv": "X25519"},
        {"x": None},
        {"x": ""},
        {"x": "AAAA"},
        {"x": "A" * 43 + "="},
        {"x": 5},
        {"use": "enc"},
        {"alg": "none"},
        {"key_ops": ["sign"]},
        {"key_ops": "verify"},
        {"x5u": "http://example.test/"},
        {"oth": 1},
    ],
)
def test_jwks_that_are_refused(alg: Algorithm, change: dict[str, object]) -> None:
    jwk = {**PrivateKey.generate(alg).public.to_jwk(), **change}
    with pytest.raises(KeyFormatError) as caught:
        PublicKey.from_jwk({k: v for k, v in jwk.items() if v is not None})
    assert caught.value.code.startswith("key")


@pytest.mark.parametrize("jwk", [None, [], "x"])
def test_a_jwk_is_an_object(jwk: object) -> None:
    with pytest.raises(KeyFormatError):
        PublicKey.from_jwk(jwk)  # type: ignore[arg-type]


def test_an_ed25519_jwk_has_no_y() -> None:
    jwk = PrivateKey.generate(Algorithm.ED25519).public.to_jwk()
    with pytest.raises(KeyFormatError):
        PublicKey.from_jwk(jwk | {"y": jwk["x"]})


def test_a_p256_point_off_the_curve_is_refused() -> None:
    with pytest.raises(KeyFormatError):
        PublicKey(Algorithm.ES256, b"\x04" + bytes(63) + b"\x01")
    with pytest.raises(KeyFormatError):
        PublicKey(Algorithm.ES256, b"\x04" + bytes(64))
    compressed = b"\x02" + PrivateKey.generate(Algorithm.ES256).public.raw[1:33]
    with pytest.raises(KeyFormatError):
        PublicKey(Algorithm.ES256, compressed)


def _add(p: tuple[int, int], q: tuple[int, int]) -> tuple[int, int]:
    """Edwards addition (RFC 8032 §5.1.4), affine."""
    (x1, y1), (x2, y2) = p, q
    t = _D * x1 * x2 * y1 * y2 % _P
    x = (x1 * y2 + x2 * y1) * pow(1 + t, _P - 2, _P) % _P
    y = (y1 * y2 + x1 * x2) * pow(1 - t, _P - 2, _P) % _P
    return x, y


def _root(value: int) -> int | None:
    x = pow(value, (_P + 3) // 8, _P)
    if (x * x - value) % _P:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    return x if (x * x - value) % _P == 0 else None


def _low_order_points() -> set[tuple[int, int]]:
    """The torsion subgroup, found by clearing the prime-order part of curve points."""
    order = 2**252 + 27742317777372353535851937790883648493
    found: set[tuple[int, int]] = set()
    y = 2
    while len(found) < 8:
        y += 1
        x = _root((y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P)
        if x is None:
            continue
        result, base, n = (0, 1), (x, y), order
        while n:
            if n & 1:
                result = _add(result, base)
            base, n = _add(base, base), n >> 1
        found.add(result)
    return found


def test_all_points_of_low_order_are_refused() -> None:
    points = _low_order_points()
    assert len(points) == 8
    for x, y in points:
        raw = (y | (x & 1) << 255).to_bytes(32, "little")
        with pytest.raises(KeyFormatError) as caught:
            PublicKey(Algorithm.ED25519, raw)
        assert caught.value.code == "key-low-order"


@pytest.mark.parametrize("y", [_P, _P + 1, 2**255 - 1])
@pytest.mark.parametrize("sign", [0, 1])
def test_ed25519_encodings_past_the_prime_are_refused(y: int, sign: int) -> None:
    with pytest.raises(KeyFormatError):
        PublicKey(Algorithm.ED25519, (y | sign << 255).to_bytes(32, "little"))


def test_ed25519_points_off_the_curve_are_refused() -> None:
    refused = 0
    for y in range(2, 40):
        on_curve = _root((y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P) is not None
        try:
            PublicKey(Algorithm.ED25519, y.to_bytes(32, "little"))
        except KeyFormatError:
            refused += 1
            assert not on_curve
        else:
            assert on_curve
    assert refused


def test_real_keys_pass_the_point_check() -> None:
    for _ in range(50):
        PrivateKey.generate(Algorithm.ED25519).public  # noqa: B018 - constructing is the check


@given(st.binary(max_size=70))
def test_base64url_survives(data: bytes) -> None:
    assert b64url_decode(b64url_encode(data)) == data


@pytest.mark.parametrize("text", ["A", "AA=", "AA==", "A+", "A/", "A A", "é", "AB", "AAB", None, 5])
def test_base64url_has_one_text_per_value(text: object) -> None:
    with pytest.raises(ProtocolError):
        b64url_decode(text)


def test_hexadecimal_digests_are_lower_case() -> None:
    text = hashlib.sha256(secrets.token_bytes(4)).hexdigest()
    assert is_sha256_hex("a" + text[1:])
    for other in ("A" + text[1:], text[1:], text + "0", text[1:] + "\n", None, 5):
        assert not is_sha256_hex(other)
