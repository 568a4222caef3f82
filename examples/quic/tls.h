/* SPDX-License-Identifier: MIT
 *
 * TLS 1.3 for QUIC (RFC 9001) by GnuTLS: what all sessions of a program share, and a session of a connection. */
#ifndef QUIC_TLS_H
#define QUIC_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2_crypto.h>

struct tls {
    bool is_server;
    uint32_t n_references;
    const char *name; /* a client's: the name in the server's certificate; lent */
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priority;
};

/* Reads the certificate and its key, in PEM. Returns 0 or an error of GnuTLS, and *made is untouched. The caller has a
 * reference to what is made. */
int tls_new_server(struct tls **made, const char *certificate, const char *key);

/* Reads the certificates that the client trusts, in PEM; NULL: those of the system. Returns as above. */
int tls_new_client(struct tls **made, const char *trusted, const char *name);

/* Another reference, which is returned; and the end of one. NULL is allowed. */
struct tls *tls_hold(struct tls *tls);
void tls_release(struct tls *tls);

/* Makes a session, whose protocol is "h3". `owner` is lent as long as the session lives. Returns as above. */
int tls_session_new(gnutls_session_t *session, const struct tls *tls, ngtcp2_crypto_conn_ref *owner);

#endif
