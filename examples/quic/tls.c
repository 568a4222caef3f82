/* SPDX-License-Identifier: MIT */
#include "tls.h"

#include <string.h>

#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#define PRIORITY                                                                                                       \
    "NORMAL:%DISABLE_TLS13_COMPAT_MODE:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:"                  \
    "+CHACHA20-POLY1305:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1"

static int tls_open(struct tls *tls)
{
    int r = gnutls_certificate_allocate_credentials(&tls->credentials);
    if (r == 0)
        r = gnutls_priority_init(&tls->priority, PRIORITY, NULL);
    return r;
}

int tls_open_server(struct tls *tls, const char *certificate, const char *key)
{
    *tls = (struct tls){.is_server = true};
    int r = tls_open(tls);
    if (r == 0)
        r = gnutls_certificate_set_x509_key_file(tls->credentials, certificate, key, GNUTLS_X509_FMT_PEM);
    if (r < 0)
        tls_close(tls);
    return r < 0 ? r : 0;
}

int tls_open_client(struct tls *tls, const char *trusted, const char *name)
{
    *tls = (struct tls){.name = name};
    int r = tls_open(tls);
    if (r == 0 && trusted == NULL)
        r = gnutls_certificate_set_x509_system_trust(tls->credentials);
    else if (r == 0)
        r = gnutls_certificate_set_x509_trust_file(tls->credentials, trusted, GNUTLS_X509_FMT_PEM);
    if (r < 0)
        tls_close(tls);
    return r < 0 ? r : 0;
}

void tls_close(struct tls *tls)
{
    gnutls_certificate_free_credentials(tls->credentials);
    gnutls_priority_deinit(tls->priority);
    *tls = (struct tls){0};
}

static int session_set_up(gnutls_session_t session, const struct tls *tls)
{
    const gnutls_datum_t protocol = {(unsigned char[]){'h', '3'}, 2};
    int r = gnutls_priority_set(session, tls->priority);
    if (r == 0)
        r = gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, tls->credentials);
    if (r == 0)
        r = gnutls_alpn_set_protocols(session, &protocol, 1, GNUTLS_ALPN_MANDATORY);
    if (r == 0)
        r = tls->is_server ? ngtcp2_crypto_gnutls_configure_server_session(session)
                           : ngtcp2_crypto_gnutls_configure_client_session(session);
    if (r == 0 && !tls->is_server) {
        r = gnutls_server_name_set(session, GNUTLS_NAME_DNS, tls->name, strlen(tls->name));
        gnutls_session_set_verify_cert(session, tls->name, 0);
    }
    return r;
}

int tls_session_new(gnutls_session_t *session, const struct tls *tls, ngtcp2_crypto_conn_ref *owner)
{
    gnutls_session_t made;
    unsigned flags = tls->is_server ? GNUTLS_SERVER : GNUTLS_CLIENT;
    int r = gnutls_init(&made, flags | GNUTLS_NO_END_OF_EARLY_DATA | GNUTLS_NO_TICKETS);
    if (r < 0)
        return r;
    gnutls_session_set_ptr(made, owner);
    r = session_set_up(made, tls);
    if (r < 0)
        gnutls_deinit(made);
    else
        *session = made;
    return r < 0 ? r : 0;
}
