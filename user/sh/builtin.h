// Builtins with a file of their own.
#pragma once

int builtin_getopts(int argc, char **argv);
int builtin_umask(int argc, char **argv);
int builtin_help(int argc, char **argv);
int builtin_read(int argc, char **argv);
int builtin_ulimit(int argc, char **argv);
