/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include <inttypes.h>

#include <trale/timer.h>

#include "../service/log.h"
#include "packet.h"

#define NAME "tftp_server"
#define SHARE_MIN (4 << 10)

enum key {
    ADDRESS,
    FOLDER,
    WRITES,
    WRITE_MAX,
    SYNC,
    TRANSFERS,
    CLIENT_TRANSFERS,
    MEMORY,
    BLKSIZE_MAX,
    WINDOWSIZE_MAX,
    TIMEOUT_MAX,
    RATE,
    BURST,
    TIMEOUT,
    TRIES,
    DALLY,
    GRACE,
    LOG,
    N_KEYS,
};

#define INTEGER(lowest, highest) .type = TRALE_OPTION_INTEGER, .minimum = (lowest), .maximum = (highest)
#define SIZE(lowest, highest) .type = TRALE_OPTION_SIZE, .minimum = (lowest), .maximum = (highest)
#define DURATION(lowest, highest) .type = TRALE_OPTION_DURATION, .minimum = (lowest), .maximum = (highest)

static const struct trale_option keys[N_KEYS + 1] = {
    [ADDRESS] = {.name = "address",
                 .type = TRALE_OPTION_TEXT,
                 .default_value = "[::]:69",
                 .help = "where requests are received, unless a service manager has opened a socket"},
    [FOLDER] = {.name = "folder", .type = TRALE_OPTION_TEXT, .default_value = "/srv/tftp", .help = "the files"},
    [WRITES] = {.name = "writes",
                .type = TRALE_OPTION_CHOICE,
                .choices = "none | public | create | all",
                .default_value = "none",
                .help = "files that clients may write: those that all users may, new ones too, or all"},
    [WRITE_MAX] = {.name = "write_max",
                   SIZE(1, INT64_MAX),
                   .default_value = "64M",
                   .help = "the size of a file that a client writes"},
    [SYNC] = {.name = "sync",
              .type = TRALE_OPTION_BOOLEAN,
              .default_value = "yes",
              .help = "a file is on the disk before its last block is acknowledged"},
    [TRANSFERS] = {.name = "transfers",
                   INTEGER(1, 100000),
                   .default_value = "200",
                   .help = "transfers at once; a request beyond is ignored, and the client asks again"},
    [CLIENT_TRANSFERS] = {.name = "client_transfers",
                          INTEGER(1, 100000),
                          .default_value = "20",
                          .help = "of them, those of one client: an IPv4 address, or a /64 of IPv6"},
    [MEMORY] = {.name = "memory",
                SIZE(SHARE_MIN, INT64_C(1) << 40),
                .default_value = "32M",
                .help = "for blocks; each transfer has an equal share, which limits its window"},
    [BLKSIZE_MAX] = {.name = "blksize_max",
                     INTEGER(TFTP_BLKSIZE_MIN, TFTP_BLKSIZE_MAX),
                     .default_value = "65464",
                     .help = "the largest block that is agreed to"},
    [WINDOWSIZE_MAX] = {.name = "windowsize_max",
                        INTEGER(1, TFTP_WINDOWSIZE_MAX),
                        .default_value = "64",
                        .help = "the largest window that is agreed to, in blocks"},
    [TIMEOUT_MAX] = {.name = "timeout_max",
                     INTEGER(1, TFTP_TIMEOUT_MAX),
                     .default_value = "10",
                     .help = "the longest timeout that is agreed to, in seconds"},
    [RATE] = {.name = "rate",
              INTEGER(0, 1000000),
              .default_value = "20",
              .help = "requests of an address in a second; others are ignored; 0: no limit"},
    [BURST] = {.name = "burst", INTEGER(1, 1000000), .default_value = "40", .help = "requests of an address at once"},
    [TIMEOUT] = {.name = "timeout",
                 DURATION(TRALE_MILLISECOND, 255 * TRALE_SECOND),
                 .default_value = "1s",
                 .help = "until what was not answered is sent again; doubles each time, unless the client has set it"},
    [TRIES] = {.name = "tries", INTEGER(1, 100), .default_value = "6", .help = "how often it is sent"},
    [DALLY] = {.name = "dally",
               DURATION(0, 255 * TRALE_SECOND),
               .default_value = "3s",
               .help = "how long the last block of a file that was written is acknowledged again"},
    [GRACE] = {.name = "grace",
               DURATION(0, 3600 * TRALE_SECOND),
               .default_value = "10s",
               .help = "how long transfers may go on after SIGTERM"},
    [LOG] = SERVICE_LOG_OPTION,
    [N_KEYS] = {.name = NULL},
};

static void read_values(struct tftp_settings *settings, const struct trale_value *values)
{
    *settings = (struct tftp_settings){
        .address = values[ADDRESS].text,
        .folder = values[FOLDER].text,
        .writes = (enum tftp_writes)values[WRITES].integer,
        .write_max = (uint64_t)values[WRITE_MAX].integer,
        .syncs = values[SYNC].integer != 0,
        .transfers = (size_t)values[TRANSFERS].integer,
        .client_transfers = (size_t)values[CLIENT_TRANSFERS].integer,
        .share = (size_t)(values[MEMORY].integer / values[TRANSFERS].integer),
        .blksize_max = (uint32_t)values[BLKSIZE_MAX].integer,
        .windowsize_max = (uint32_t)values[WINDOWSIZE_MAX].integer,
        .timeout_max = (uint32_t)values[TIMEOUT_MAX].integer,
        .rate_interval_ns = values[RATE].integer > 0 ? TRALE_SECOND / (uint64_t)values[RATE].integer : 0,
        .rate_burst = (uint64_t)values[BURST].integer,
        .timeout_ns = (uint64_t)values[TIMEOUT].integer,
        .tries = (uint32_t)values[TRIES].integer,
        .dally_ns = (uint64_t)values[DALLY].integer,
        .grace_ns = (uint64_t)values[GRACE].integer,
        .log_level = values[LOG].integer,
    };
}

int tftp_settings_read(struct tftp_settings *settings)
{
    const struct trale_options options = {.log = service_log_trale};
    struct trale_settings *found;
    struct tftp_settings read;
    int r = trale_settings_read(&found, NAME, keys, &options);
    if (r < 0)
        return r;
    read_values(&read, found->values);
    read.read = found;
    if (read.share < SHARE_MIN) {
        service_log(LOG_ERR, "%s: [application:" NAME "] memory: %zu transfers need %d bytes each, %" PRIu64 " in all",
                    found->file, read.transfers, SHARE_MIN, (uint64_t)read.transfers * SHARE_MIN);
        trale_settings_free(found);
        return -EINVAL;
    }
    tftp_settings_deinit(settings);
    *settings = read;
    service_log_set(read.log_level);
    return 0;
}

void tftp_settings_deinit(struct tftp_settings *settings)
{
    trale_settings_free(settings->read);
    settings->read = NULL;
}
