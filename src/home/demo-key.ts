/**
 * The secret that `npm run demo` starts the service with. It stands in the repository, so it protects nothing, and the
 * home page may hold it. scripts/demo.mjs has the same, which a test checks.
 */
export const DEMO_KEY = 'demo-shared-key-0123456789abcdef-not-secret';
