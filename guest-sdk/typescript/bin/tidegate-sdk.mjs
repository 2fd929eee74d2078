#!/usr/bin/env node
// Starts the build tool. Plain JavaScript of old, so that it can say what is missing
// before anything is imported that would fail with a riddle.

/** The oldest Node that the toolchain runs on. */
const NODE_MAJOR_MIN = 20;

main();

function main() {
  const version = process.versions.node;
  if (Number(version.split(".")[0]) < NODE_MAJOR_MIN) {
    fail(
      "Node " +
        version +
        " is too old: building TypeScript syncs needs Node " +
        NODE_MAJOR_MIN +
        " or newer.",
      "install a newer Node from https://nodejs.org and run the command again",
    );
  }
  import("tsx/esm/api")
    .then(function (tsx) {
      tsx.register();
      return import("../src/build/main.ts");
    })
    .then(function (tool) {
      return tool.main(process.argv.slice(2));
    })
    .then(function (code) {
      process.exitCode = code;
    })
    .catch(function (error) {
      if (error && (error.code === "ERR_MODULE_NOT_FOUND" || error.code === "MODULE_NOT_FOUND")) {
        fail(
          "a part of the toolchain is not installed: " + String(error.message).split("\n")[0],
          "run `npm install` in the folder of @tidegate/sdk (" + packageFolder() + ")",
        );
      }
      fail(
        String((error && error.stack) || error),
        "this is a defect of the build tool: please report it",
      );
    });
}

function packageFolder() {
  return decodeURIComponent(new URL("..", import.meta.url).pathname).replace(/\/$/, "");
}

function fail(message, hint) {
  process.stderr.write("error: " + message + "\n  hint: " + hint + "\n");
  process.exit(1);
}
