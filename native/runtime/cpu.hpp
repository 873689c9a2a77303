// Which targets of this build the processor and its operating system can run.
#pragma once

#include <string>
#include <vector>

#include "api.hpp"

namespace tconv {

// Best first; the last one runs anywhere.
const std::vector<const Target*>& runnable_targets();

// Null if this machine cannot run a target of that name.
const Target* find_target(const std::string& name);

}  // namespace tconv
