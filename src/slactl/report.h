#ifndef SLAD_SLACTL_REPORT_H
#define SLAD_SLACTL_REPORT_H

/* slactl report: one month of one customer for the committee, from outcomes, as a page (HTML) or JSON. */
int report_main(int argc, char **argv);

#endif
