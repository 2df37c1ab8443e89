#ifndef SLAD_SLACTL_DOCS_H
#define SLAD_SLACTL_DOCS_H

/* slactl docs PAGE | DIRECTORY: the pages that are generated from the tables in include/slad. PAGE
 * (configuration, conf, metrics, errors) is printed; into a directory all are written under their paths in
 * the tree. argv[0] is "docs". Returns the exit status. */
int docs_main(int argc, char **argv);

#endif
