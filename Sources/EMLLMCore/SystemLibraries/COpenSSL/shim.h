// Digests of OpenSSL's libcrypto, found through pkg-config ("libcrypto").
#include <openssl/evp.h>
