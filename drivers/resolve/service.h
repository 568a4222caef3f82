/* SPDX-License-Identifier: MIT
 *
 * The order of the hosts of a service. */
#ifndef RESOLVE_SERVICE_H
#define RESOLVE_SERVICE_H

#include <trale/random.h>

#include "record.h"

/* Puts SRV records into the order in which their hosts are to be tried (RFC 2782). Without random bytes,
 * weights do not count. */
void service_order(struct trale_link *records, const struct trale_random *random);

#endif
