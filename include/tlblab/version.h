/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/* The release, shared by the driver, its result files and whatever else is built from this tree. */
#ifndef TLBLAB_VERSION_H
#define TLBLAB_VERSION_H

#define TLBLAB_VERSION "0.4.0"

#endif
