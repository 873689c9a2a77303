// The engine as functions that XLA calls: JAX's way to it, without Python and without copies.
#pragma once

#include <vector>

#include "api.hpp"
#include "bindings/xla_ffi.hpp"

namespace tconv::xla {

struct Named {
    const char* name;
    Function* function;
};

// "tconv_conv_transpose", "tconv_conv" and "tconv_weight_gradient": (x, weight) -> y, (y, weight) -> x
// and (x, y) -> weight, in float32 or float64, of one to three spatial axes. Attributes: "stride",
// "dilation" and "crop", three numbers each with leading ones and zeros; "groups"; and "direct".
std::vector<Named> functions();

// What the functions run, and the minor version of the interface that XLA is told they are of: its own,
// if that is known. To be called before XLA knows of them.
void set_up(const Target&, int minor_version);

}  // namespace tconv::xla
