/* SPDX-License-Identifier: MIT */
#include "tls.h"

#include <stdlib.h>
#include <string.h>

#include <gnutls/x509.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#define PRIORITY                                                                                                       \
    "NORMAL:%DISABLE_TLS13_COMPAT_MODE:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:"                  \
    "+CHACHA20-POLY1305:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1"

/* GnuTLS does not compare keys of all kinds. */
static int check_pair(gnutls_certificate_credentials_t credentials)
{
    unsigned char of_key[64], of_certificate[64];
    size_t n_key = sizeof of_key, n_certificate = sizeof of_certificate;
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t *chain = NULL;
    unsigned n_chain = 0;
    int r = gnutls_certificate_get_x509_key(credentials, 0, &key);
    if (r < 0)
        return r;
    r = gnutls_x509_privkey_get_key_id(key, 0, of_key, &n_key);
    gnutls_x509_privkey_deinit(key);
    if (r == 0)
        r = gnutls_certificate_get_x509_crt(credentials, 0, &chain, &n_chain);
    if (r < 0)
        return r;
    r = gnutls_x509_crt_get_key_id(chain[0], 0, of_certificate, &n_certificate);
    for (unsigned i = 0; i < n_chain; i++)
        gnutls_x509_crt_deinit(chain[i]);
    gnutls_free(chain);
    if (r == 0 && (n_key != n_certificate || memcmp(of_key, of_certificate, n_key) != 0))
        r = GNUTLS_E_CERTIFICATE_KEY_MISMATCH;
    return r;
}

/* `certificates` are those of the server, or those that a client trusts. */
static int tls_new(struct tls **made, const struct tls *kind, const char *certificates, const char *key)
{
    struct tls *tls = malloc(sizeof *tls);
    if (tls == NULL)
        return GNUTLS_E_MEMORY_ERROR;
    *tls = *kind;
    tls->n_references = 1;
    int r = gnutls_certificate_allocate_credentials(&tls->credentials);
    if (r == 0)
        r = gnutls_priority_init(&tls->priority, PRIORITY, NULL);
    if (r == 0 && tls->is_server)
        r = gnutls_certificate_set_x509_key_file(tls->credentials, certificates, key, GNUTLS_X509_FMT_PEM);
    else if (r == 0 && certificates != NULL)
        r = gnutls_certificate_set_x509_trust_file(tls->credentials, certificates, GNUTLS_X509_FMT_PEM);
    else if (r == 0)
        r = gnutls_certificate_set_x509_system_trust(tls->credentials);
    if (r >= 0 && tls->is_server)
        r = check_pair(tls->credentials);
    if (r < 0)
        tls_release(tls);
    else
        *made = tls;
    return r < 0 ? r : 0;
}

int tls_new_server(struct tls **made, const char *certificate, const char *key)
{
    return tls_new(made, &(struct tls){.is_server = true}, certificate, key);
}

int tls_new_client(struct tls **made, const char *trusted, const char *name)
{
    return tls_new(made, &(struct tls){.name = name}, trusted, NULL);
}

struct tls *tls_hold(struct tls *tls)
{
    tls->n_references++;
    return tls;
}

void tls_release(struct tls *tls)
{
    if (tls == NULL || --tls->n_references > 0)
        return;
    if (tls->credentials != NULL)
        gnutls_certificate_free_credentials(tls->credentials);
    if (tls->priority != NULL)
        gnutls_priority_deinit(tls->priority);
    free(tls);
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
