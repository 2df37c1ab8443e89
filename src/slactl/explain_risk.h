#ifndef SLAD_SLACTL_EXPLAIN_RISK_H
#define SLAD_SLACTL_EXPLAIN_RISK_H

/* How likely a clock breaches and why, in lines for people. */
#include "base/slice.h"
#include "slad/zone.h"
#include <stdio.h>

/* risk: the object of wire/explain_json.h (explain_json_risk), from this process or an API's answer; what is
 * not there is not said. Times are local to zone (NULL: UTC). */
void explain_risk_print(FILE *out, struct slice risk, const struct zone *zone);

#endif
