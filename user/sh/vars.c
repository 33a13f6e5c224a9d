// Variables and functions: a hash table of each; values of a function's own variables are kept on
// a stack while it runs.

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sh.h"

#define BUCKETS 64

struct var {
	struct var *next;
	char *value; // NULL: unset, but marked
	u32 flags;
	char name[];
};

struct function {
	struct function *next;
	struct node *body;
	struct arena *arena;
	char name[];
};

struct hidden {
	struct var *var;
	char *value;
	u32 flags;
};

static struct var *vars[BUCKETS];
static struct function *functions[BUCKETS];
static struct hidden *hidden;
static size_t hidden_count, hidden_room;

static unsigned hash(const char *name)
{
	unsigned h = 5381;

	while (*name)
		h = h * 33 + (u8)*name++;
	return h % BUCKETS;
}

bool name_is_valid(const char *name, size_t n)
{
	if (!n || isdigit(*name))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!isalnum(name[i]) && name[i] != '_')
			return false;
	}
	return true;
}

static struct var *var_find(const char *name, bool make)
{
	struct var **bucket = &vars[hash(name)], *v;

	for (v = *bucket; v; v = v->next) {
		if (!strcmp(v->name, name))
			return v;
	}
	if (!make)
		return NULL;
	v = xmalloc(sizeof(*v) + strlen(name) + 1);
	*v = (struct var){.next = *bucket};
	strcpy(v->name, name);
	return *bucket = v;
}

const char *var_get(const char *name)
{
	struct var *v = var_find(name, false);

	return v ? v->value : NULL;
}

bool var_set(const char *name, const char *value, u32 flags)
{
	struct var *v = var_find(name, true);

	if (v->flags & VAR_READONLY) {
		shell_error("%s: is read-only", name);
		return false;
	}
	char *copy = xstrdup(value);

	free(v->value);
	v->value = copy;
	v->flags |= flags | (sh.all_export ? VAR_EXPORT : 0);
	return true;
}

bool var_unset(const char *name)
{
	struct var *v = var_find(name, false);

	if (!v)
		return true;
	if (v->flags & VAR_READONLY) {
		shell_error("%s: is read-only", name);
		return false;
	}
	free(v->value);
	v->value = NULL;
	v->flags = 0;
	return true;
}

void var_mark(const char *name, u32 flags)
{
	var_find(name, true)->flags |= flags;
}

static int compare_vars(const void *a, const void *b)
{
	return strcmp((*(struct var *const *)a)->name, (*(struct var *const *)b)->name);
}

void var_each(u32 flags, void (*f)(const char *name, const char *value))
{
	struct var **list = NULL;
	size_t n = 0;

	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct var *v = vars[i]; v; v = v->next) {
			if ((v->flags & flags) != flags || (!v->value && !flags))
				continue;
			list = xrealloc(list, (n + 1) * sizeof(*list));
			list[n++] = v;
		}
	}
	if (n)
		qsort(list, n, sizeof(*list), compare_vars);
	for (size_t i = 0; i < n; i++)
		f(list[i]->name, list[i]->value);
	free(list);
}

char **vars_environment(void)
{
	char **list = NULL;
	size_t n = 0;

	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct var *v = vars[i]; v; v = v->next) {
			if (!(v->flags & VAR_EXPORT) || !v->value)
				continue;
			list = xrealloc(list, (n + 2) * sizeof(*list));
			list[n] = xmalloc(strlen(v->name) + strlen(v->value) + 2);
			stpcpy(stpcpy(stpcpy(list[n++], v->name), "="), v->value);
		}
	}
	if (!list)
		list = xmalloc(sizeof(*list));
	list[n] = NULL;
	return list;
}

void vars_init(void)
{
	char cwd[PATH_MAX], number[16];

	for (char **e = environ; *e; e++) {
		char *equal = strchr(*e, '=');

		if (!equal || !name_is_valid(*e, (size_t)(equal - *e)))
			continue;
		char *name = strndup(*e, (size_t)(equal - *e));

		if (name)
			var_set(name, equal + 1, VAR_EXPORT);
		free(name);
	}
	var_set("IFS", " \t\n", 0);
	if (!var_get("PATH"))
		var_set("PATH", "/bin:/sbin:/usr/bin:/usr/sbin", VAR_EXPORT);
	if (getcwd(cwd, sizeof(cwd)))
		var_set("PWD", cwd, VAR_EXPORT);
	snprintf(number, sizeof(number), "%d", getppid());
	var_set("PPID", number, 0);
	var_set("OPTIND", "1", 0);
	var_set("PS4", "+ ", 0);
	if (!var_get("PS2"))
		var_set("PS2", "> ", 0);
}

// --- Variables of a function ---

size_t var_scope_begin(void)
{
	return hidden_count;
}

void var_local(const char *name)
{
	struct var *v = var_find(name, true);

	if (hidden_count == hidden_room) {
		hidden_room = hidden_room ? 2 * hidden_room : 16;
		hidden = xrealloc(hidden, hidden_room * sizeof(*hidden));
	}
	hidden[hidden_count++] = (struct hidden){v, v->value ? xstrdup(v->value) : NULL, v->flags};
}

void var_scope_end(size_t mark)
{
	while (hidden_count > mark) {
		struct hidden *h = &hidden[--hidden_count];

		free(h->var->value);
		h->var->value = h->value;
		h->var->flags = h->flags;
	}
}

// --- Functions ---

struct node *function_get(const char *name, struct arena **arena)
{
	for (struct function *f = functions[hash(name)]; f; f = f->next) {
		if (strcmp(f->name, name))
			continue;
		*arena = f->arena;
		return f->body;
	}
	return NULL;
}

bool function_unset(const char *name)
{
	for (struct function **at = &functions[hash(name)]; *at; at = &(*at)->next) {
		struct function *f = *at;

		if (strcmp(f->name, name))
			continue;
		*at = f->next;
		arena_put(f->arena);
		free(f);
		return true;
	}
	return false;
}

void function_set(const char *name, struct node *body, struct arena *arena)
{
	struct function *f = xmalloc(sizeof(*f) + strlen(name) + 1);

	function_unset(name);
	*f = (struct function){functions[hash(name)], body, arena_get(arena)};
	strcpy(f->name, name);
	functions[hash(name)] = f;
}
