// What Linux's control groups leave of the CPUs. Nothing here knows of Python.
#pragma once

#include <string>

namespace tconv {

// The CPUs' worth of time that this process's groups may use, rounded up, or 0 without a limit:
// cpu.max of version 2, cpu.cfs_quota_us of version 1. `root` stands before every path, for tests.
int quota(const std::string& root);

}  // namespace tconv
