// In place of Flux's compiler: everything that is to be compiled is refused.
#include "influxdata/flux.h"

static struct flux_error_t *refused(void) { return (struct flux_error_t *)1; } // never looked into

static void nothing(struct flux_buffer_t *b) {
  b->data = 0;
  b->len = 0;
}

const char *flux_error_str(struct flux_error_t *e) { return "this InfluxDB was built without Flux"; }
void flux_error_print(struct flux_error_t *e) {}
void flux_free_error(struct flux_error_t *e) {}
void flux_free_bytes(const char *b) {}

void flux_semantic_packages(struct flux_buffer_t *b) { nothing(b); }
void flux_get_env_stdlib(struct flux_buffer_t *b) { nothing(b); }

struct flux_ast_pkg_t *flux_parse(const char *name, const char *source) { return 0; }
struct flux_error_t *flux_parse_json(const char *text, struct flux_ast_pkg_t **p) { return refused(); }
struct flux_error_t *flux_ast_format(struct flux_ast_pkg_t *p, struct flux_buffer_t *b) { return refused(); }
struct flux_error_t *flux_ast_get_error(struct flux_ast_pkg_t *p, const char *options) { return refused(); }
struct flux_error_t *flux_ast_marshal_json(struct flux_ast_pkg_t *p, struct flux_buffer_t *b) { return refused(); }
struct flux_error_t *flux_merge_ast_pkgs(struct flux_ast_pkg_t *a, struct flux_ast_pkg_t *b) { return refused(); }
void flux_free_ast_pkg(struct flux_ast_pkg_t *p) {}

struct flux_stateful_analyzer_t *flux_new_stateful_analyzer(const char *options) { return 0; }
void flux_free_stateful_analyzer(struct flux_stateful_analyzer_t *a) {}
struct flux_error_t *flux_analyze_with(struct flux_stateful_analyzer_t *a, const char *source, struct flux_ast_pkg_t *p,
                                       struct flux_semantic_pkg_t **to) {
  return refused();
}
struct flux_error_t *flux_analyze(struct flux_ast_pkg_t *p, const char *options, struct flux_semantic_pkg_t **to) {
  return refused();
}
struct flux_error_t *flux_find_var_type(struct flux_semantic_pkg_t *p, const char *name, struct flux_buffer_t *b) {
  return refused();
}
struct flux_error_t *flux_semantic_marshal_fb(struct flux_semantic_pkg_t *p, struct flux_buffer_t *b) { return refused(); }
void flux_free_semantic_pkg(struct flux_semantic_pkg_t *p) {}
