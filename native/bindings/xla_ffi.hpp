// What XLA hands to a foreign function, as far as it is used here.
//
// These are the places of the structs in xla/ffi/api/c_api.h, in our own words, so that the module is
// built without jaxlib and serves every jaxlib: what is used of them has been the same from version
// 0.1 (jaxlib 0.4.38) to 0.3 (jaxlib 0.10). tests/arrays/test_jax_interface.py compiles the places
// against the header of the jaxlib that is installed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tconv::xla {

constexpr int major_version = 0, first_minor_version = 1, last_minor_version = 3;

// Numbers of XLA's enumerations.
constexpr int type_s64 = 5, type_f32 = 11, type_f64 = 12;
constexpr int attribute_array = 1, attribute_scalar = 3;
constexpr int extension_metadata = 1, stage_execute = 3;
constexpr int code_invalid_argument = 3, code_resource_exhausted = 8, code_internal = 13;

struct Extension {
    size_t size;
    int type;
    Extension* next;
};

struct Version {
    size_t size;
    Extension* extensions;
    int major, minor;
};

// XLA asks a function for these before it calls it.
struct Metadata {
    size_t size;
    Version version;
    uint32_t traits;
};

struct MetadataExtension {
    Extension base;
    Metadata* metadata;
};

struct Array {
    size_t size;
    Extension* extensions;
    int type;
    void* data;
    int64_t rank;
    int64_t* sizes;
};

struct Arrays {
    size_t size;
    Extension* extensions;
    int64_t count;
    int* kinds;
    void** values;
};

struct Text {
    const char* first;
    size_t size;
};

struct Scalar {
    int type;
    void* value;
};

struct Numbers {
    int type;
    size_t count;
    void* first;
};

struct Attributes {
    size_t size;
    Extension* extensions;
    int64_t count;
    int* kinds;
    Text** names;
    void** values;
};

struct Error;

struct ErrorArguments {
    size_t size;
    Extension* extensions;
    const char* message;
    int code;
};

struct Api {
    size_t size;
    Extension* extensions;
    Version version;
    const void* internal;
    Error* (*create_error)(ErrorArguments*);
};

struct CallFrame {
    size_t size;
    Extension* extensions;
    const Api* api;
    void* context;
    int stage;
    Arrays arguments, results;
    Attributes attributes;
};

using Function = Error*(CallFrame*);

}  // namespace tconv::xla
