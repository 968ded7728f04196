"""Cases: rules tested by their authors. Series in, instants and expected states out; nothing here touches a file."""
