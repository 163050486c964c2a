// What every view is written with: elements as templates (text is always text, never markup) and state that redraws them.
export {
  html, render, createContext, useCallback, useContext, useEffect, useErrorBoundary, useLayoutEffect, useMemo, useReducer, useRef, useState,
} from "../vendor/htm-3.1.1/standalone.module.js";
