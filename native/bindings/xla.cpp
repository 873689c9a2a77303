#include "bindings/xla.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>
#include <new>
#include <string>

#include "runtime/kept_weights.hpp"
#include "problem/gradient_definition.hpp"
#include "runtime/pool.hpp"

namespace tconv::xla {
namespace {

constexpr int spatial_axes = 3;
const Target* target = nullptr;
int minor_version = last_minor_version;

struct Refused {
    std::string what;
};

void require(bool holds, const char* what) {
    if (!holds) throw Refused{what};
}

void run_tasks(int64_t tasks, const std::function<void(int64_t)>& body) {
    pool::run(tasks, body, nullptr);
}

const Parallel& pool_parallel() {
    static const Parallel parallel = run_tasks;
    return parallel;
}

// One of the arrays of a call: (first, second, *spatial), contiguous.
class Operand {
  public:
    explicit Operand(const Array& array) : array_(array) {
        require(array.rank > 2 && array.rank <= 2 + spatial_axes, "arrays have three to five axes");
    }

    int type() const { return array_.type; }
    int64_t size(int axis) const { return array_.sizes[axis]; }
    template <class T>
    T* data() const { return static_cast<T*>(array_.data); }
    int64_t cells() const {
        int64_t cells = 1;
        for (int64_t axis = 0; axis < array_.rank; ++axis) cells *= array_.sizes[axis];
        return cells;
    }

    // With leading ones.
    void spatial(int64_t* sizes) const {
        const int64_t count = array_.rank - 2;
        std::fill_n(sizes, spatial_axes, int64_t{1});
        std::copy_n(array_.sizes + 2, count, sizes + spatial_axes - count);
        for (int axis = 0; axis < spatial_axes; ++axis)
            require(sizes[axis] > 0, "spatial axes are not empty");
    }

  private:
    const Array& array_;
};

class Call {
  public:
    explicit Call(const CallFrame& frame) : frame_(frame) {
        require(target, "the engine has no target");
        require(frame.stage == stage_execute, "there is no other stage than execution");
        require(frame.arguments.count == 2 && frame.results.count == 1,
                "there are two arguments and one result");
        const int type = argument(0).type();
        require(type == argument(1).type() && type == result().type(), "dtypes are equal");
    }

    Operand argument(int index) const { return Operand(array(frame_.arguments, index)); }
    Operand result() const { return Operand(array(frame_.results, 0)); }

    Layer layer(const Operand& weight) const {
        Layer layer;
        int64_t kernel[spatial_axes], stride[spatial_axes], dilation[spatial_axes];
        weight.spatial(kernel);
        numbers("stride", stride);
        numbers("dilation", dilation);
        layer.groups = number("groups");
        layer.direct = number("direct") != 0;
        layer.in_channels = weight.size(0);
        layer.out_channels = weight.size(1) * layer.groups;
        require(layer.groups > 0 && layer.in_channels > 0 && layer.out_channels > 0 &&
                    layer.in_channels % layer.groups == 0,
                "groups divide the channels");
        for (int axis = 0; axis < spatial_axes; ++axis) {
            require(stride[axis] > 0 && dilation[axis] > 0, "stride and dilation are positive");
            layer.axes[axis] = {kernel[axis], stride[axis], dilation[axis]};
        }
        return layer;
    }

    Shape shape(const Layer& layer, const Operand& x, const Operand& y) const {
        require(x.size(1) == layer.in_channels && y.size(1) == layer.out_channels,
                "channels are the weight's");
        require(x.size(0) == y.size(0), "batches are equal");
        Shape shape;
        shape.batch = x.size(0);
        x.spatial(shape.input);
        y.spatial(shape.output);
        numbers("crop", shape.crop);
        return shape;
    }

  private:
    static const Array& array(const Arrays& arrays, int index) {
        return *static_cast<const Array*>(arrays.values[index]);
    }

    int64_t place(const char* name, int kind) const {
        const Attributes& all = frame_.attributes;
        for (int64_t i = 0; i < all.count; ++i) {
            const Text& text = *all.names[i];
            if (text.size == std::strlen(name) && std::memcmp(text.first, name, text.size) == 0) {
                require(all.kinds[i] == kind, "attributes are of the kinds known");
                return i;
            }
        }
        throw Refused{std::string("there is an attribute ") + name};
    }

    int64_t number(const char* name) const {
        const auto& scalar =
            *static_cast<const Scalar*>(frame_.attributes.values[place(name, attribute_scalar)]);
        require(scalar.type == type_s64, "attributes are of 64 bits");
        return *static_cast<const int64_t*>(scalar.value);
    }

    void numbers(const char* name, int64_t* into) const {
        const auto& array =
            *static_cast<const Numbers*>(frame_.attributes.values[place(name, attribute_array)]);
        require(array.type == type_s64 && array.count == spatial_axes,
                "attributes of axes are three numbers of 64 bits");
        std::copy_n(static_cast<const int64_t*>(array.first), spatial_axes, into);
    }

    const CallFrame& frame_;
};

template <class T>
void run(const Packed<T>& packed, const Shape& shape, const Operand& from, const Operand& into) {
    packed.run(shape, from.data<T>(), into.data<T>(), pool::num_threads(), pool_parallel());
}

struct ConvTranspose {
    template <class T>
    static void run_as(const Call& call) {
        const Operand x = call.argument(0), weight = call.argument(1), y = call.result();
        Layer layer = call.layer(weight);
        const Shape shape = call.shape(layer, x, y);
        if (shape.batch == 0) return;
        const T* weights = weight.data<T>();
        const auto known = kept::packed(*target, kept::Role::transposed, layer, weights);
        if (known) return run<T>(*known, shape, x, y);
        layer.once = true;
        if constexpr (sizeof(T) == sizeof(float))
            run<T>(*target->plan_f32(layer, weights, nullptr), shape, x, y);
        else
            run<T>(*target->plan_f64(layer, weights, nullptr), shape, x, y);
    }
};

struct Conv {
    template <class T>
    static void run_as(const Call& call) {
        const Operand y = call.argument(0), weight = call.argument(1), x = call.result();
        const Layer layer = call.layer(weight);
        const Shape shape = call.shape(layer, x, y);
        if (shape.batch == 0) return;
        const T* weights = weight.data<T>();
        const auto known = kept::packed(*target, kept::Role::convolution, layer, weights);
        if (known) return run<T>(*known, shape, y, x);
        if constexpr (sizeof(T) == sizeof(float))
            run<T>(*target->adjoint_f32(layer, weights, nullptr), shape, y, x);
        else
            run<T>(*target->adjoint_f64(layer, weights, nullptr), shape, y, x);
    }
};

struct WeightGradient {
    template <class T>
    static void run_as(const Call& call) {
        const Operand x = call.argument(0), y = call.argument(1), weight = call.result();
        const Layer layer = call.layer(weight);
        const Shape shape = call.shape(layer, x, y);
        T* const gradient = weight.data<T>();
        const int64_t cells = weight.cells();
        if (shape.batch == 0) {
            std::fill_n(gradient, cells, T(0));
            return;
        }
        const T *from_x = x.data<T>(), *from_y = y.data<T>();
        if constexpr (sizeof(T) == sizeof(float))
            target->gradient_f32(layer, shape, from_x, from_y, gradient, pool_parallel());
        else
            target->gradient_f64(layer, shape, from_x, from_y, gradient, pool_parallel());
        const auto finite = [](T value) { return std::isfinite(value); };
        if (!std::all_of(gradient, gradient + cells, finite))
            gradient_by_definition(layer, shape, from_x, from_y, gradient, pool_parallel());
    }
};

Error* error(const CallFrame& frame, int code, const std::string& what) {
    const std::string message = "tconv: " + what;
    ErrorArguments arguments{sizeof(ErrorArguments), nullptr, message.c_str(), code};
    return frame.api->create_error(&arguments);
}

// XLA asks for the version that a function is of before it takes it.
bool answered(const CallFrame& frame) {
    const Extension* asked = frame.extensions;
    if (!asked || asked->type != extension_metadata) return false;
    reinterpret_cast<const MetadataExtension*>(asked)->metadata->version = {
        sizeof(Version), nullptr, major_version, minor_version};
    return true;
}

template <class Work>
Error* function(CallFrame* frame) {
    if (answered(*frame)) return nullptr;
    try {
        const Call call(*frame);
        switch (call.result().type()) {
            case type_f32: Work::template run_as<float>(call); return nullptr;
            case type_f64: Work::template run_as<double>(call); return nullptr;
            default: throw Refused{"arrays are of float32 or float64"};
        }
    } catch (const Refused& refused) {
        return error(*frame, code_invalid_argument, refused.what);
    } catch (const Unsupported& unsupported) {
        return error(*frame, code_invalid_argument, unsupported.reason);
    } catch (const OutOfMemory&) {
        return error(*frame, code_resource_exhausted, "needs more memory than this machine gives");
    } catch (const std::bad_alloc&) {
        return error(*frame, code_resource_exhausted, "needs more memory than this machine gives");
    } catch (const std::exception& other) {
        return error(*frame, code_internal, other.what());
    }
}

}  // namespace

std::vector<Named> functions() {
    return {{"tconv_conv_transpose", function<ConvTranspose>},
            {"tconv_conv", function<Conv>},
            {"tconv_weight_gradient", function<WeightGradient>}};
}

void set_up(const Target& chosen, int minor) {
    target = &chosen;
    minor_version = std::clamp(minor, first_minor_version, last_minor_version);
}

}  // namespace tconv::xla
