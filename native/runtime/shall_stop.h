#pragma once

#include <functional>

namespace stillvec {

// Whether what is under way shall end as soon as it can. Any thread asks it, often.
using ShallStop = std::function<bool()>;

}  // namespace stillvec
