// How MiniMax-M3 writes lists and objects in the arguments of a call: as elements, each tag behind a mark.
#pragma once

#include "schema/value_form.h"

namespace medinfer {

// That of an argument which is a list or an object: what stands inside of its own element.
const ValueForm& MiniMaxForm();

}  // namespace medinfer
