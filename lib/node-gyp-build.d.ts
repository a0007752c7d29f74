declare module 'node-gyp-build' {
  /** Loads the addon of the package in `folder`: its own build if there is one, else the prebuild for this platform. */
  function load(folder: string): unknown;
  export = load;
}
