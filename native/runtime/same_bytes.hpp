// Whether memory holds the same bytes, told by as many threads as it is worth.
#pragma once

#include <cstdint>
#include <functional>

namespace tconv {

// `poll` is as pool::run has it.
bool same_bytes(const void* one, const void* other, int64_t bytes,
                const std::function<void()>& poll = nullptr);

}  // namespace tconv
