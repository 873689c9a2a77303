// Packed weights kept from call to call, for callers that bring the weights and have no plan.
#pragma once

#include <cstdint>
#include <memory>

#include "api.hpp"

namespace tconv::kept {

enum class Role { transposed, convolution };

// The weights of a layer, packed, if just these were met some times lately; else nothing, and the
// caller packs them for this call. The contents decide: every byte is compared. What is returned
// needs `weight` no more. Any thread may ask.
template <class T>
std::shared_ptr<const Packed<T>> packed(const Target&, Role, const Layer&, const T* weight);

struct Held {
    int64_t layers, bytes;  // estimated
};

Held held();
void forget();

}  // namespace tconv::kept
