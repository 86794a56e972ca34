//! Keys that must be refused, and the one form that nothing here can make. All were made for these
//! tests and have never signed anything.

/// An RSA key of 1024 bits.
pub(crate) const RSA_1024: &str = "\
-----BEGIN PRIVATE KEY-----
MIICdQIBADANBgkqhkiG9w0BAQEFAASCAl8wggJbAgEAAoGBAMDdmPfs2i6cLdmU
6LbPDJJ4LDk97HlKFvHDrDvGpLobyd1oUPWKu0Wa2CGBPrRhv2o/ar5T4G+KaLCq
Y/mOOf5Slms3w1NmmNZVHhCp9JHqdfY82tD4nla3Vvdi5cyXSTI+zRBDbWX85HYO
KXTvloiNR068BTRoQHlkHTLfa54NAgMBAAECgYBsugBMdFgjwqQOb2Yp+NtrjxfP
RVuUnPIGZXspT7j5ukS47uAFLKqaeMqzSLti0WAps4qntX1nJC4UuloWC9ogzHVA
y8qyVMGfXsJhMmR+XwKNP46ywYAUQPpDfYqn9OjQtrrsyyV63oH3D25JZC7P99zW
5XCGjfSinbA3WiOTwQJBAPCsCKrhso3EMgHNv8/DO7yamao8ZRea1mBMYYh33GsP
3OmCSN9D3Tam7yiL6hktRfdmNsTR3Uf/Ag+r3fs56NkCQQDNJh5OVF9JzUhKmUdh
xK8jMZIiJayGg8X0obRM/jfLUrI6F1raut0ZzHZFfXD9L0NXzaxXi7ojdmnw0z7X
Ov5VAkBlhkzJuRfXUdI+jIrDm/oRH65+76c9g+W3DcF/DgD/cNuh7YHMHRauPVFZ
61u/bye6q3WjJVyRSHOYJMopdk5RAkAMBGKcFgcq7JKChC4RRRM5TYsQ4wITMx7i
cKJ+LBoal/KGwp142J9hBoAbG/kFa8JXH14sFqxFrYcRK16v/u2tAkBXJb1lO7Da
paJSDxHX6ZQv9mF+TKDvbeE9x7pNXpI4UM9qSAe4KuO/YCFnS5Pb9l2vlg3OfaHI
6lQaDTAOf/f5
-----END PRIVATE KEY-----
";

/// Its public half.
pub(crate) const RSA_1024_PUBLIC: &str = "\
-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDA3Zj37NounC3ZlOi2zwySeCw5
Pex5Shbxw6w7xqS6G8ndaFD1irtFmtghgT60Yb9qP2q+U+BvimiwqmP5jjn+UpZr
N8NTZpjWVR4QqfSR6nX2PNrQ+J5Wt1b3YuXMl0kyPs0QQ21l/OR2Dil075aIjUdO
vAU0aEB5ZB0y32ueDQIDAQAB
-----END PUBLIC KEY-----
";

/// An RSA key that may only be used with PSS padding (`id-RSASSA-PSS`).
pub(crate) const RSA_PSS: &str = "\
-----BEGIN PRIVATE KEY-----
MIIEuwIBADALBgkqhkiG9w0BAQoEggSnMIIEowIBAAKCAQEA3YMys1CCzwgNFRlp
Hmn0CwTLk6djTvgSGzXdnHg6UAQkDVyRXrB/e7GM6PGh3wAWRNr5aNwgG6Jl2fx7
B6LXXLfsVxSu9V960Y0unBELwsAWGA30OlHRekO6F5jeafu7Mrjh4sWDm7t6zK0w
uNS2cjwnNckh8YbO1XotpFYdl4zYQ43Q9xNZF3xPef9kaVFlh9yaoo7nJqGJq0/M
io4rt2YrYxJ7piUu6ly8FOKnvF4dz5W6Ux+WKBxXyuyPgi54WiX4ZZPhZn6GdRwv
53HHyfsqKxDdeNzWlSs3qqBd26zO1g1eUv+jrc6HUF1BlSIpzY5I9wqt+74jKESd
9CtUWQIDAQABAoIBAC7/JXQe6knjgucNl5xgzWrDDzAaDPtVrX3BbW3DoleUsVN2
Zs9Isht7vZI0pevKuG7OaKkjPtquF17q7u1dUsT0rruBA2fC5KtuAUwSX8TnfSiI
WV9AOanvkZ1tDQ8+XeayjBZRYo1ZdwHS4unsE3NkKMuEC2QTfnGTdPiPXsLmtVn8
YnjeutuvEVgUuF1Q7vjyaYqSQfVGKbHi3E/CNRhyYaSM33nFpoOU6vexXpyaix3h
jgKm6g2sgJOBeVSFwQ+Au3I+9+qQ3iJOEpC6zFWpcDfR8fCQmVgu12ZDzHBBXFIj
5oMBRvAFUPsxpzQciuOcNe1sfZ9lrtaQiuVC5YkCgYEA+Vx72wIxEP6wO0r9npQM
88JvVSJx634pAUI++KpQhxUNu1pf7fbCfLR2HYKJMeYMP5x0toZ64vN/UoXIl/NY
X6EQUKK76KRQOMGaOOjOTrCYabCR5w3wJUC11B2GkN16WKpb70l8/u2MsEydUV1t
wH3aAvB9i1IWPs4Q87KuUeUCgYEA42jpWvvivNqPIwxKjb4Lk2bSjWM/fDucnEHE
CiZ4aigyMhl/XD+BxOcoLmFegjNsRAZb1O36eXmp9+Tk/CbR8XvX29Qkg4PC5cHK
gfw6rLmmsRmtVfs7T4YcRHYz4sXFKVccsfkjKeCvHGgbeNfQajqmJsBjKCIIU3p6
odYUoWUCgYA2Jb4DXaN39EYiafNOtwlk+SihzPv9zgRrcI4qAxm/a3Py5foEu1ua
JrmrSMgv3Kt2OKwjYmpW09cm/UQEsuPSyC+5wsyZBO0ile++QddiwPgnox7blGw8
OqQBLnQlCuLhVATongWVedHeCpTysR3++ZUYpE4uraGE+8w0ju1JfQKBgQCsAxsf
+w9Skm9ar11lQa8327q/v6axrdWUTBqhIuBKTAVL6AVyHYdnDQJTssrt6T+nZLfp
o+imIeTy4WxjXmnHI0nvudO0tuGhMKihEczAAd2YcDewpcwDJwoSruYoTjgIQSAv
bqeucYmDDyxYh8XZ1GsBPNzD6popqqc/6tLIEQKBgEv9ovOO4u8hYYsV04eYHR2g
Xvgt9HP9TM2+uHoU5qoqZ4G3mDWf5hM6VySMDS/Oj0KDAYQJi/vxRpJA/s42AAFA
2xDlj5VkvXhah3T3ZHH9QFqyKYNxCJ4eAksPBth8hz6cfR11uEItSoz5LWXnScu1
ZHBAmgAAMzYWvj9Tjhuu
-----END PRIVATE KEY-----
";

/// Its public half.
pub(crate) const RSA_PSS_PUBLIC: &str = "\
-----BEGIN PUBLIC KEY-----
MIIBIDALBgkqhkiG9w0BAQoDggEPADCCAQoCggEBAN2DMrNQgs8IDRUZaR5p9AsE
y5OnY074Ehs13Zx4OlAEJA1ckV6wf3uxjOjxod8AFkTa+WjcIBuiZdn8ewei11y3
7FcUrvVfetGNLpwRC8LAFhgN9DpR0XpDuheY3mn7uzK44eLFg5u7esytMLjUtnI8
JzXJIfGGztV6LaRWHZeM2EON0PcTWRd8T3n/ZGlRZYfcmqKO5yahiatPzIqOK7dm
K2MSe6YlLupcvBTip7xeHc+VulMfligcV8rsj4IueFol+GWT4WZ+hnUcL+dxx8n7
KisQ3Xjc1pUrN6qgXdusztYNXlL/o63Oh1BdQZUiKc2OSPcKrfu+IyhEnfQrVFkC
AwEAAQ==
-----END PUBLIC KEY-----
";

/// A key on P-384.
pub(crate) const P_384: &str = "\
-----BEGIN PRIVATE KEY-----
MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDCUT6NgFjgSUV1e8hko
SlkgrXBVmksaFqyddSCZdW0ewlO8xzaimr5lgBqvYDBBveyhZANiAATpUgJ/eeJu
UnuYSu4liHjjysd8lQTIJy0dVpVq3KXW4Ia/qUggEjxUCgX4KyNkvBzv+9dXt0XF
vy2EDkye6AM06bJstBfX1cF528dEd8Jr/0N5LUxfnEy6Ab9731kb3hk=
-----END PRIVATE KEY-----
";

/// Its public half.
pub(crate) const P_384_PUBLIC: &str = "\
-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE6VICf3niblJ7mEruJYh448rHfJUEyCct
HVaVatyl1uCGv6lIIBI8VAoF+CsjZLwc7/vXV7dFxb8thA5MnugDNOmybLQX19XB
edvHRHfCa/9DeS1MX5xMugG/e99ZG94Z
-----END PUBLIC KEY-----
";

/// A key on secp256k1, whose points are as long as those of P-256.
pub(crate) const SECP256K1: &str = "\
-----BEGIN PRIVATE KEY-----
MIGEAgEAMBAGByqGSM49AgEGBSuBBAAKBG0wawIBAQQghBX4cv44Xp2jvPm9ntMk
BSRySNE50N3kzwrHdinRf+6hRANCAAQGfuouyVMKb8c1qozRNLbNwfiYbgJe9oUl
hasoWJ9+97cfi64CiEjZA+7YIG8kFhoYrXEwKpn9Nxlcpv6pL7/P
-----END PRIVATE KEY-----
";

/// Its public half.
pub(crate) const SECP256K1_PUBLIC: &str = "\
-----BEGIN PUBLIC KEY-----
MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEBn7qLslTCm/HNaqM0TS2zcH4mG4CXvaF
JYWrKFiffve3H4uuAohI2QPu2CBvJBYaGK1xMCqZ/TcZXKb+qS+/zw==
-----END PUBLIC KEY-----
";

/// An Ed448 key.
pub(crate) const ED_448: &str = "\
-----BEGIN PRIVATE KEY-----
MEcCAQAwBQYDK2VxBDsEOf7yp3QrWKeyIsmJoqQnqbZPBA1sHcgYu98LoM9VMHZK
hfnnsIRZBYvzMi2OQmEZx6ih0iu7gBeB0g==
-----END PRIVATE KEY-----
";

/// Its public half.
pub(crate) const ED_448_PUBLIC: &str = "\
-----BEGIN PUBLIC KEY-----
MEMwBQYDK2VxAzoAyxtjL2BXfWdfjacKEAlaXGw/MraAvkEDhWCQET5S0j7gddJB
24dOI8LqeUuz6XueHPWCcep+auCA
-----END PUBLIC KEY-----
";

/// An X25519 key: for agreement, not for signatures.
pub(crate) const X_25519: &str = "\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VuBCIEIJAhPt0nsutvFlZ6KpLuiu1JOmw57AdSBOByFzYxEkhF
-----END PRIVATE KEY-----
";

/// Its public half.
pub(crate) const X_25519_PUBLIC: &str = "\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VuAyEAZgG7/pVKTcFm8FsnKvALC/0K0kXKkPyxIDaeSQ383Tw=
-----END PUBLIC KEY-----
";

/// A P-256 key in the form of RFC 5915.
pub(crate) const P_256_SEC1: &str = "\
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIL4R8a2DNfk4Ba663vkDlZtYW9wNfIY0a0sIfNVQ72BfoAoGCCqGSM49
AwEHoUQDQgAEqJisslAuukjWsmUMppe62uYHqgQYUV2JNCNXGs/J/qW2h9OMVKY/
yzaUokZeHtNAZZDY/xRnDobKzC0dCf1AoA==
-----END EC PRIVATE KEY-----
";

/// A P-256 key behind a password.
pub(crate) const P_256_ENCRYPTED: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjtByKzyOh8CgICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEEpzooR9xr4v9shL2kI/eNIEgZCj
V84HSn+WmgvRaZ+NGE0lzwfTJF6L5bt9Map4GuSf2bEzHvxPo+euEMEJsWYQif/y
YSm5hhta6xqFfVAeNqvAuk9aj3pOC5Hb6S8ODOibnTl3ot1lQax06Fv5+QC8+0AD
Fe30u7sadgWcJF6No4YN59V//P+hpDWdzU9r+8fdDvRabZc5+4BOEXO97mrZj98=
-----END ENCRYPTED PRIVATE KEY-----
";

/// A P-256 public key in a certificate that was valid for a day.
pub(crate) const P_256_CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBbjCCAROgAwIBAgIUMyilLfyZyVYjtuBkDHEr22rMK/MwCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBeDAeFw0yNjExMjMyMzEwMDBaFw0yNjExMjQyMzEwMDBaMAwx
CjAIBgNVBAMMAXgwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASomKyyUC66SNay
ZQyml7ra5geqBBhRXYk0I1caz8n+pbaH04xUpj/LNpSiRl4e00BlkNj/FGcOhsrM
LR0J/UCgo1MwUTAdBgNVHQ4EFgQUqgTSTjJKUUxkzlH1JHdPWbJIFQYwHwYDVR0j
BBgwFoAUqgTSTjJKUUxkzlH1JHdPWbJIFQYwDwYDVR0TAQH/BAUwAwEB/zAKBggq
hkjOPQQDAgNJADBGAiEA04b/C/m0JstUQjgdFEniwlli6wRX1pBWVEe+aVIEdkAC
IQDsj4BMu3c5DMYJ2bRb+SYI6NA1+fVbTtZfaMBD3DCi9Q==
-----END CERTIFICATE-----
";
