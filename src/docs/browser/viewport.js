// Swagger UI's page names no viewport: a phone would lay it out as wide as a desk and show it too small to read.
document.head.insertAdjacentHTML('beforeend', '<meta name="viewport" content="width=device-width, initial-scale=1">');
