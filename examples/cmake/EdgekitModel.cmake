# edgekit_add_model(<target>
#   DEVICE id|profile.toml            an id of `edgekit devices`, or a profile of your own
#   [PROJECT folder]                  the folder of edgekit.toml; default: the current source folder
#   [MODEL path|module:function]      overrides the project's
#   [DATA path|module:function]       overrides the project's
#   [OPTIONS option...]               more of `edgekit build`, as in: --max-flash 64KiB
#   [DEPENDS file...])                what the model is made of; default: every file in PROJECT, MODEL and DATA
#
# Makes a static library <target> with the model as read-only data, aligned to 16 bytes, and a header <target>.h:
#
#   extern const unsigned char <target>[];
#   extern const unsigned int <target>_len;
#
# (In these names, what C does not allow is an underscore.)
#
# The model is built when something depends on the library, and again when a file that it is made of is newer. A model
# that does not fit the device fails the build. For a microcontroller edgekit's model_data.h lies beside <target>.h, with
# the arena's size, scales and zero points. The target's property EDGEKIT_TFLITE is the path of the .tflite.

cmake_minimum_required(VERSION 3.20)
find_program(EDGEKIT_EXECUTABLE edgekit DOC "The command edgekit")
if(NOT EDGEKIT_EXECUTABLE)
  message(FATAL_ERROR "no command edgekit: pip install \"edgekit-tflite[build]\", or -DEDGEKIT_EXECUTABLE=/path/to/it")
endif()

function(edgekit_add_model target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "DEVICE;PROJECT;MODEL;DATA" "OPTIONS;DEPENDS")
  if(NOT arg_DEVICE OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "edgekit_add_model(${target}): DEVICE is needed; not understood: '${arg_UNPARSED_ARGUMENTS}'")
  endif()
  get_filename_component(project "${arg_PROJECT}" ABSOLUTE) # the current source folder where it is empty
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/edgekit/${target}")
  _edgekit_device(id class "${arg_DEVICE}")
  if(NOT arg_DEPENDS)
    _edgekit_files(arg_DEPENDS "${project}" "${arg_MODEL}" "${arg_DATA}" "${arg_DEVICE}")
  endif()

  set(command "${EDGEKIT_EXECUTABLE}" build --project "${project}" --out "${folder}/out" --quiet)
  foreach(name DEVICE MODEL DATA)
    if(arg_${name})
      string(TOLOWER "--${name}" option)
      _edgekit_path(value "${arg_${name}}")
      list(APPEND command "${option}" "${value}")
    endif()
  endforeach()
  set(made model.tflite)
  if(class STREQUAL "microcontroller")
    list(APPEND made model_data.h model_data.cc)
  endif()
  list(TRANSFORM made PREPEND "${folder}/out/${id}/" OUTPUT_VARIABLE found)
  list(TRANSFORM made PREPEND "${folder}/" OUTPUT_VARIABLE kept)
  # edgekit also writes a model that does not fit, for a look at it, and exits with 1. The library is made of copies, so
  # that nothing is made of that one.
  add_custom_command(
    OUTPUT ${kept}
    COMMAND ${command} ${arg_OPTIONS}
    COMMAND "${CMAKE_COMMAND}" -E copy ${found} "${folder}"
    DEPENDS ${arg_DEPENDS}
    COMMENT "edgekit: ${target} for ${id}"
    USES_TERMINAL # with Ninja one at a time: two at once would share the processor and the cache's trainings
    VERBATIM)
  _edgekit_library(${target} "${folder}" "${class}")
endfunction()

# The static library of what the command above made.
function(_edgekit_library target folder class)
  set(templates "${CMAKE_CURRENT_FUNCTION_LIST_DIR}")
  string(MAKE_C_IDENTIFIER "${target}" symbol)
  configure_file("${templates}/model.h.in" "${folder}/${target}.h" @ONLY)
  if(class STREQUAL "microcontroller")
    set(source "${folder}/model_data.cc")
    set_source_files_properties("${source}" PROPERTIES # two models may then be in one program
      COMPILE_DEFINITIONS "edgekit_model=${symbol};edgekit_model_len=${symbol}_len")
  else()
    set(source "${folder}/${target}.c")
    configure_file("${templates}/model.c.in" "${source}" @ONLY)
    set_source_files_properties("${source}" PROPERTIES OBJECT_DEPENDS "${folder}/model.tflite")
  endif()
  add_library(${target} STATIC "${source}" "${folder}/model.tflite")
  target_include_directories(${target} INTERFACE "${folder}")
  set_target_properties(${target} PROPERTIES EDGEKIT_TFLITE "${folder}/model.tflite")
endfunction()

# The id and class of a device; a wrong one ends the configuration, with edgekit's message.
function(_edgekit_device id class device)
  _edgekit_path(device "${device}")
  execute_process(COMMAND "${EDGEKIT_EXECUTABLE}" devices "${device}" --json
    OUTPUT_VARIABLE profile ERROR_VARIABLE problem RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "edgekit devices ${device}: ${problem}")
  endif()
  string(JSON found GET "${profile}" 0 id)
  set(${id} "${found}" PARENT_SCOPE)
  string(JSON found GET "${profile}" 0 class)
  set(${class} "${found}" PARENT_SCOPE)
endfunction()

# Every file that is there of a project, a model, data and a profile; what names none is left out.
function(_edgekit_files files)
  set(all)
  foreach(source ${ARGN})
    _edgekit_path(path "${source}")
    if(IS_DIRECTORY "${path}")
      file(GLOB_RECURSE inside CONFIGURE_DEPENDS LIST_DIRECTORIES false "${path}/*")
      list(FILTER inside EXCLUDE REGEX "/(__pycache__|\\.git|build)/")
      list(APPEND all ${inside})
    elseif(EXISTS "${path}")
      list(APPEND all "${path}")
    endif()
  endforeach()
  list(REMOVE_DUPLICATES all)
  set(${files} ${all} PARENT_SCOPE)
endfunction()

# A path from the current source folder; what is no path (an id, module:function) stays as it is.
function(_edgekit_path result given)
  get_filename_component(path "${given}" ABSOLUTE)
  if(NOT EXISTS "${path}" OR given STREQUAL "")
    set(path "${given}")
  endif()
  set(${result} "${path}" PARENT_SCOPE)
endfunction()
