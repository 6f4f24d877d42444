/** The version of the API that this service speaks: what a request must say, and what every answer and webhook says. */
export const API_VERSION = '1.0.0';
