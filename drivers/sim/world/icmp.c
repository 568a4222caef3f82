/* SPDX-License-Identifier: MIT */
#include "icmp.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

static void report_type(struct icmp_report *report, uint32_t v4_type, uint32_t v4_code, uint32_t v6_type,
                        uint32_t v6_code)
{
    bool v4 = report->sender.any.sa_family == AF_INET;
    report->origin = v4 ? ICMP_V4 : ICMP_V6;
    report->type = v4 ? v4_type : v6_type;
    report->code = v4 ? v4_code : v6_code;
}

void icmp_no_socket(struct icmp_report *report)
{
    report_type(report, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOPORT);
    report->error = -ECONNREFUSED;
}

void icmp_too_large(struct icmp_report *report, uint32_t mtu)
{
    report_type(report, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, ICMP6_PACKET_TOO_BIG, 0);
    report->error = -EMSGSIZE;
    report->mtu = mtu;
}

void icmp_keep(struct icmp_errors *errors, const struct icmp_report *report)
{
    if (errors->n == ICMP_ERRORS_KEPT) {
        errors->first = (errors->first + 1) % ICMP_ERRORS_KEPT;
        errors->n--;
        errors->n_lost++;
    }
    errors->kept[(errors->first + errors->n++) % ICMP_ERRORS_KEPT] = *report;
}

bool icmp_take(struct icmp_errors *errors, struct icmp_report *report, uint32_t *n_lost)
{
    if (errors->n == 0)
        return false;
    *report = errors->kept[errors->first];
    *n_lost = errors->n_lost;
    errors->first = (errors->first + 1) % ICMP_ERRORS_KEPT;
    errors->n--;
    errors->n_lost = 0;
    return true;
}
