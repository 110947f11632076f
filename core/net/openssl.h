#pragma once
/* OpenSSL's headers. They declare a type ERR_STATE, which is an error code here: it gets out of the
 * way. */
#define ERR_STATE openssl_err_state
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#undef ERR_STATE
