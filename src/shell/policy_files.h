#ifndef SLAD_SHELL_POLICY_FILES_H
#define SLAD_SHELL_POLICY_FILES_H

/* Policies from disk: one file, or every *.yaml and *.yml of a directory. */
#include "base/buffer.h"
#include "slad/policy.h"
#include "wire/policy_yaml.h"

enum { POLICY_FILES_VERSIONS_MAX = 1000 };

/* All versions at path, checked, or NULL; then errors holds why, "FILE:LINE:COLUMN: MESSAGE [CODE]\n" for the
 * first error of each bad file (at least one line). Zones come from zoneinfo_dir. Files of a directory are
 * read in order of their names; others and hidden ones are ignored. symbols is borrowed and must outlive the
 * set. */
struct policy_set *policy_files_load(const char *path, const char *zoneinfo_dir, struct symbols *symbols,
                                     struct buffer *errors);
/* Where zones are when nobody says: the environment's SLAD_ZONEINFO, else /usr/share/zoneinfo. */
const char *policy_files_zoneinfo_default(void);
/* A reader of zone files below this directory (borrowed), for policy_yaml_load. */
struct policy_zone_reader policy_files_zone_reader(const char *zoneinfo_dir);

#endif
