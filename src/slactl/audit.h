#ifndef SLAD_SLACTL_AUDIT_H
#define SLAD_SLACTL_AUDIT_H

/* slactl audit: are the scores and the decisions about contracts what the outcomes say? */
int audit_main(int argc, char **argv);

#endif
