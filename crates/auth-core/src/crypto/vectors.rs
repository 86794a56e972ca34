//! The signatures in the appendices of RFC 7515 and RFC 8037. They are no access tokens, so only
//! the level of keys and bytes can check them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::{PublicNumbers, Signer, Verifier};
use crate::SigningKey;

/// The claims of RFC 7515 appendix A.1 to A.3.
const CLAIMS: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
                      cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

fn bytes(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

fn assert_only_this_verifies(key: &Verifier, signing_input: &str, signature: &str) {
    let mut signature = bytes(signature);
    assert!(key.verify(signing_input.as_bytes(), &signature));
    assert!(!key.verify(format!("{signing_input}A").as_bytes(), &signature));
    signature[0] ^= 1;
    assert!(!key.verify(signing_input.as_bytes(), &signature));
}

#[test]
fn rfc_7515_appendix_a_1_hs256() {
    let secret = bytes(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    );
    let signing_input = format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{CLAIMS}");
    let signature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let signer = Signer::from_secret(&secret);
    assert_eq!(signer.sign(signing_input.as_bytes()).unwrap(), bytes(signature));
    assert_only_this_verifies(&signer.verifier().unwrap(), &signing_input, signature);
}

#[test]
fn rfc_7515_appendix_a_2_rs256() {
    let key = Verifier::from_numbers(&PublicNumbers::Rsa {
        n: bytes(
            "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0\
             Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXnd\
             S5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJ\
             H7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
        ),
        e: bytes("AQAB"),
    })
    .unwrap();
    assert_only_this_verifies(
        &key,
        &format!("eyJhbGciOiJSUzI1NiJ9.{CLAIMS}"),
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5j\
         ujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L\
         07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEU\
         ipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
    );
}

#[test]
fn rfc_7515_appendix_a_3_es256() {
    let key = Verifier::from_numbers(&PublicNumbers::Ec {
        x: bytes("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
        y: bytes("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
    })
    .unwrap();
    assert_only_this_verifies(
        &key,
        &format!("eyJhbGciOiJFUzI1NiJ9.{CLAIMS}"),
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    );
}

#[test]
fn rfc_8037_appendix_a_4_ed25519() {
    let jwk = json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    let key = SigningKey::from_jwk(&jwk.to_string()).unwrap();
    let signing_input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature =
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let signed = key.signer().sign(signing_input.as_bytes()).unwrap();
    assert_eq!(signed, bytes(signature));
    assert_only_this_verifies(&key.signer().verifier().unwrap(), signing_input, signature);
}
